//! `demo`: a payer API, the proxy and a family on this machine.

use super::{Exit, Streams};
use std::io;

pub(super) fn demo(once: bool, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let _ = once;
    writeln!(streams.stderr, "error: `demo` is not there yet")?;
    Ok(Exit::Usage)
}
