//! The command line: arguments in, exit code out; one file per subcommand.
//!
//! Results go to stdout, messages to stderr. A reader who closes stdout early has had enough,
//! which is no failure.

mod answer;
mod arguments;
mod audit;
pub mod cases;
mod check;
mod demo;
mod deployment;
mod differences;
mod explain;
mod exposure;
mod probe;
mod redact;
mod run;
mod samples;
pub mod test;

use crate::engine::diagnostics::Diagnostic;
use arguments::{Arguments, Audit, Command};
use clap::Parser as _;
use clap::error::ErrorKind;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Read, Write};
use std::process::{ExitCode, Termination};

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done. For `redact`: the reader would get 200 with what is on stdout.
    Done,
    /// The answer is no: mistakes were found, a case failed or none was found.
    No,
    /// Wrong usage, missing files, a port in use.
    Usage,
    /// `redact` only: the reader would get anything but 200.
    Refused,
}

impl Exit {
    /// The code that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// The three streams of a command.
pub struct Streams<'a> {
    /// Where bodies are read from.
    pub stdin: &'a mut dyn Read,
    /// Where results go.
    pub stdout: &'a mut dyn Write,
    /// Where messages go.
    pub stderr: &'a mut dyn Write,
    /// Whether somebody watches stderr: long work then shows that it goes on.
    pub progress: bool,
}

impl fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streams")
    }
}

impl Streams<'_> {
    /// One line to whoever runs the command. Where even that cannot be written, the exit code
    /// has to do.
    fn say(&mut self, line: impl fmt::Display) {
        writeln!(self.stderr, "{line}").unwrap_or_default();
    }

    /// Mistakes in files, to whoever runs the command.
    fn tell(&mut self, mistakes: &[Diagnostic]) {
        for mistake in mistakes {
            write!(self.stderr, "{mistake}").unwrap_or_default();
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> Exit {
    // Not locked: `run` and `demo` write from other threads too.
    let mut streams = Streams {
        stdin: &mut io::stdin(),
        stdout: &mut BufWriter::new(io::stdout()),
        stderr: &mut io::stderr(),
        progress: io::stderr().is_terminal(),
    };
    run(std::env::args_os(), &mut streams)
}

/// Runs one command line; the first argument is the program's own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return told_by_clap(&error, streams),
    };
    let ended = match arguments.command {
        Command::Demo { once, kit } => demo::demo(once, kit, streams),
        Command::Run { config } => run::run(&config, streams),
        Command::Probe(asked) => probe::probe(&asked, streams),
        Command::Audit(Audit::Verify(asked)) => audit::verify(&asked, streams),
        Command::Audit(Audit::Export(asked)) => audit::export::export(&asked, streams),
        Command::Audit(Audit::Report(asked)) => audit::report::report(&asked, streams),
        Command::Check(asked) => check::check(&asked, streams),
        Command::Test(asked) => test::test(&asked.policies, &asked.files, streams),
        Command::Exposure(asked) => exposure::exposure(&asked, streams),
        Command::Redact { asked } => redact::redact(&asked, streams),
        Command::Explain { asked, format } => explain::explain(&asked, format, streams),
    };
    match ended.and_then(|exit| streams.stdout.flush().map(|()| exit)) {
        Ok(exit) => exit,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            streams.say(format_args!("the output cannot be written: {error}"));
            Exit::Usage
        }
    }
}

/// Names out of a body, fit for a terminal: control characters are written as escapes.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Help and version go to stdout and are what was asked for; all else is wrong usage.
fn told_by_clap(error: &clap::Error, streams: &mut Streams<'_>) -> Exit {
    let text = error.render();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match write!(streams.stdout, "{text}").and_then(|()| streams.stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Usage,
            _ => Exit::Done,
        };
    }
    write!(streams.stderr, "{text}").unwrap_or_default();
    Exit::Usage
}

#[cfg(test)]
mod tests;
