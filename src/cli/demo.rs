//! `demo`: a payer API, the proxy and a family on this machine.

use super::{Exit, Streams};
use crate::demo::{self, Ending};
use std::io;

pub(super) fn demo(once: bool, streams: &mut Streams<'_>) -> io::Result<Exit> {
    match demo::run(once, streams.stdout) {
        Ok(Ending::Kept) => Ok(Exit::Done),
        Ok(Ending::Broken) => Ok(Exit::No),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(error),
        Err(error) => {
            streams.say(format_args!("error: the demo cannot go on: {error}"));
            Ok(Exit::Usage)
        }
    }
}
