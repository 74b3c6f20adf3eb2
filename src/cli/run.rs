//! `run`: the proxy, until it is told to stop.

use super::{Exit, Streams};
use crate::config::Config;
use crate::config::meant::Address;
use crate::engine::diagnostics::Diagnostic;
use crate::proxy::{FILES_MIN, NoStart, Service};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long threads may go on after all is served.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// Turns of tasks before a thread asks the kernel for more to do, if there are that many: who has
/// come together is served, and answered, together. Some 2 ms of turns at most; tokio's own 61 ask
/// in the middle of a step of 64 requests.
const TURNS_BETWEEN_EVENTS: u32 = 256;

pub(super) fn run(path: &Path, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(mistakes) => {
            streams.tell(&mistakes);
            return Ok(if path.exists() { Exit::No } else { Exit::Usage });
        }
    };
    let missing = config.missing_files();
    if !missing.is_empty() {
        streams.tell(&missing);
        return Ok(Exit::Usage);
    }
    tell_no_more_of_panics_than_where();
    leave_no_core(streams);
    open_many_files(streams);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.event_interval(TURNS_BETWEEN_EVENTS).enable_all().build()?;
    let ended = runtime.block_on(serve(&config, streams));
    // What was cut may still be reading a file; the end does not wait for it.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    ended
}

async fn serve(config: &Config, streams: &mut Streams<'_>) -> io::Result<Exit> {
    // Asked for before anything is served, so that none is missed.
    let mut ends = Ends::new()?;
    let service = match Service::start(config, tell).await {
        Ok(service) => service,
        Err(NoStart::Mistakes(mistakes)) => {
            streams.tell(&mistakes);
            return Ok(Exit::No);
        }
        Err(NoStart::Cannot(why)) => {
            streams.say(format_args!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    let scheme = if config.listen.tls.is_some() { "https" } else { "http" };
    match (&config.listen.address, service.address()) {
        (Address::Unix(path), _) => streams.say(format_args!("listening at {}", path.display())),
        (_, Some(address)) => streams.say(format_args!("listening at {scheme}://{address}")),
        (_, None) => {}
    }
    if let Some(address) = service.admin_address() {
        streams.say(format_args!("health and metrics at http://{address}"));
    }
    let (end, ended) = tokio::sync::oneshot::channel();
    let serving = service.serve(async { drop(ended.await) });
    let ending = async {
        ends.next().await;
        end.send(()).ok();
        // Whoever asks a second time does not want to wait.
        ends.next().await;
    };
    let all_ended = tokio::select! {
        all_ended = serving => all_ended,
        () = ending => false,
    };
    let how = if all_ended { "stopped" } else { "stopped; what was under way was cut" };
    streams.say(how);
    Ok(Exit::Done)
}

/// The signals that end us, and those that do not.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
    /// Files are looked at anyway; a habit of sending SIGHUP must not end us.
    hang_up: Signal,
    /// A file over the limit of this process is a disk that is full: a write that fails.
    too_big: Signal,
}

impl Ends {
    fn new() -> io::Result<Ends> {
        Ok(Ends {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            too_big: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {}
                _ = self.too_big.recv() => {}
            }
        }
    }
}

/// Mistakes in files that are read again while we run.
fn tell(mistakes: &[Diagnostic]) {
    let mut stderr = io::stderr().lock();
    for mistake in mistakes {
        // Where stderr is gone, LAST-GOOD holds all the same.
        write!(stderr, "{mistake}").unwrap_or_default();
    }
}

/// What is held of bodies and tokens is written nowhere, a core dump neither, nor shown to other
/// processes of the same user.
fn leave_no_core(streams: &mut Streams<'_>) {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let limited = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    #[cfg(target_os = "linux")]
    let limited = limited.and_then(|()| {
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    });
    if let Err(error) = limited {
        streams.say(format_args!("warning: core dumps cannot be turned off: {error}"));
    }
}

/// The message of a panic may hold what was being worked on; its place does not.
fn tell_no_more_of_panics_than_where() {
    std::panic::set_hook(Box::new(|panic| {
        let mut stderr = io::stderr().lock();
        match panic.location() {
            Some(at) => writeln!(stderr, "error: a fault of this program at {at}"),
            None => writeln!(stderr, "error: a fault of this program"),
        }
        .unwrap_or_default();
    }));
}

/// Each connection is a file to the system, and systems begin with few.
fn open_many_files(streams: &mut Streams<'_>) {
    let files = rustix::process::Resource::Nofile;
    let mut limit = rustix::process::getrlimit(files);
    let most = limit.maximum.map_or(FILES_MIN, |most| most.min(FILES_MIN));
    if limit.current.is_some_and(|current| current < most) {
        limit.current = Some(most);
        rustix::process::setrlimit(files, limit).ok();
    }
    let now = rustix::process::getrlimit(files).current;
    if let Some(now) = now.filter(|now| *now < FILES_MIN) {
        streams.say(format_args!(
            "warning: this process may open {now} files; it takes {FILES_MIN} to serve as many \
             connections as there may be"
        ));
    }
}
