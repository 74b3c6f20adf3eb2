//! Files of secret keys: lines of 32 bytes in base64, as `openssl rand -base64 32` gives them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest file of keys, bytes.
pub const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

/// A key.
pub type Key = [u8; 32];

/// The keys of a file; empty lines and those that begin with `#` are none. `None` if one of the
/// others is no key.
pub fn key_lines(text: &[u8]) -> Option<Vec<Key>> {
    let lines = std::str::from_utf8(text).ok()?.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| STANDARD.decode(line).ok().and_then(|key| key.try_into().ok())).collect()
}
