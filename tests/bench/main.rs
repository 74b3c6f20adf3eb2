//! Benchmark of the proxy: sequester beside others in its place, with the same readers and the
//! same upstream. To be started by `tests/bench/run`, which pins it; prints tables in Markdown.
//!
//! Without a right answer from every peer nothing is measured.
#![expect(clippy::print_stderr, reason = "how far it is, and what went wrong")]

mod bodies;
mod cells;
mod check;
mod deployment;
mod http1;
mod load;
mod memory;
mod peers;
mod process;
mod proxies;
mod settings;
mod site;
mod tables;
mod targets;
mod tls;
mod upstream;

use cells::Stage;
use settings::Settings;
use std::error::Error;
use std::io;
use std::process::ExitCode;
use targets::Targets;

/// Anything that went wrong.
fn bad(what: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::other(what)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match proxies::Arguments::read(&words) {
        Some(arguments) => on_one_thread(proxies::serve(arguments)),
        None => measure(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn on_one_thread<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn measure() -> io::Result<()> {
    let settings = Settings::read()?;
    let stage = Stage::set(settings)?;
    tables::machine(&stage)?;
    let mut targets = Targets::default();
    on_one_thread(async {
        cells::measure(&stage, &mut targets).await?;
        memory::measure(&stage, &mut targets).await
    })?;
    targets.print();
    Ok(())
}
