//! `demo`: a payer API, the proxy and a family on this machine.

use super::{Exit, Streams};
use crate::demo::{self, Ending};
use std::io;
use std::net::SocketAddr;

pub(super) fn demo(
    once: bool,
    kit: Option<SocketAddr>,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let ended = match kit {
        Some(address) => demo::serve_kit(address, streams.stdout, streams.stderr),
        None => demo::run(once, streams.stdout),
    };
    match ended {
        Ok(Ending::Kept) => Ok(Exit::Done),
        Ok(Ending::Broken) => Ok(Exit::No),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(error),
        Err(error) => {
            streams.say(format_args!("error: the demo cannot go on: {error}"));
            Ok(Exit::Usage)
        }
    }
}
