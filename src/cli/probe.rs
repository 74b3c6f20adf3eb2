//! `probe`: asks a deployment what it tells of what it hides.

use super::arguments::Probe;
use super::{Exit, Streams};
use crate::config::meant::Origin;
use crate::demo::probe::{self, Outcome, Target};
use std::io;

/// Longest token, bytes.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

pub(super) fn probe(asked: &Probe, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let target = Origin::read(&asked.target)
        .map_err(|why| format!("`{}` is no target: {why}", asked.target))
        .and_then(|origin| {
            let (mother, daughter) =
                (token("--as", &asked.reader)?, token("--control", &asked.control)?);
            Ok(Target { origin, mother, daughter })
        });
    let target = match target {
        Ok(target) => target,
        Err(why) => {
            streams.say(format_args!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    match probe::probe(target, streams.stdout) {
        Ok(Outcome::Closed) => Ok(Exit::Done),
        Ok(Outcome::Open) => Ok(Exit::No),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(error),
        Err(error) => {
            streams.say(format_args!("error: `{}` cannot be asked: {error}", asked.target));
            Ok(Exit::Usage)
        }
    }
}

/// A bearer token from a file, or from the environment: what stands on a command line is shown
/// to everybody on the machine.
fn token(option: &str, place: &str) -> Result<String, String> {
    let text = match place.strip_prefix("env:") {
        Some(name) => std::env::var(name)
            .map_err(|_| format!("{option}: there is no `{name}` in the environment"))?,
        None => std::fs::read_to_string(place).map_err(|_| {
            format!("{option}: no such file; name a file that holds the token, or `env:NAME`")
        })?,
    };
    let token = text.trim();
    let is_token = !token.is_empty()
        && token.len() <= TOKEN_BYTES_MAX
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token { Ok(token.to_owned()) } else { Err(format!("{option}: that is no bearer token")) }
}
