//! `run`: the proxy, until it is told to stop.

use super::{Exit, Streams};
use crate::config::Config;
use std::io;
use std::path::Path;

pub(super) fn run(path: &Path, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(mistakes) => {
            streams.tell(&mistakes);
            return Ok(if path.exists() { Exit::No } else { Exit::Usage });
        }
    };
    streams.tell(&config.warnings);
    let missing = config.missing_files();
    if !missing.is_empty() {
        streams.tell(&missing);
        return Ok(Exit::Usage);
    }
    writeln!(streams.stderr, "error: `run` is not there yet")?;
    Ok(Exit::Usage)
}
