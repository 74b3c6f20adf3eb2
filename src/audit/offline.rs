//! Release without a reader on the wire: for `redact` and `test`, whose answer goes to the person
//! who holds the body already. There is no reader and nothing leaves, so nothing is recorded.

use crate::engine::released::Released;
use bytes::Bytes;

/// Opens what the engine released. For commands that read a body from a file, never for a
/// response: RECORD-BEFORE-RELEASE is [`super::AuditLog::release`].
pub(crate) fn release(released: Released) -> Bytes {
    released.open()
}
