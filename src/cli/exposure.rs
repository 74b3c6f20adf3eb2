//! `exposure`: which reads of the past would today's policies have stopped?

use super::arguments::{Exposure, ReportFormat};
use super::deployment::Deployment;
use super::{Exit, Streams};
use crate::config::Config;
use crate::config::units::Rate;
use crate::exposure::{self, Fields, Progress, Reading, Report, Wanted};
use std::io;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// How often progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

pub(super) fn exposure(asked: &Exposure, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let config = match Config::load(&asked.config) {
        Ok(config) => config,
        Err(mistakes) => {
            streams.tell(&mistakes);
            return Ok(if asked.config.exists() { Exit::No } else { Exit::Usage });
        }
    };
    let deployment = match Deployment::load(&asked.config) {
        Ok(deployment) => deployment,
        Err(failure) => return Ok(failure.tell(streams)),
    };
    let wanted = match wanted(asked) {
        Ok(wanted) => wanted,
        Err(why) => {
            streams.say(format_args!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    let Deployment { policies, register, .. } = deployment;
    let deployment = exposure::Deployment { config, policies, register };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut shown = Shown { began: Instant::now(), last: None, first: None };
    let mut tell = |progress| {
        if streams.progress {
            shown.show(progress, &mut *streams.stderr);
        }
    };
    let report = runtime.block_on(exposure::find(deployment, &wanted, &mut tell));
    shown.clear(&mut *streams.stderr);
    let report = match report {
        Ok(report) => report,
        Err(why) => {
            streams.say(format_args!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    write!(streams.stdout, "{}", written(&report, asked.format)?)?;
    if report.is_of_nothing() {
        streams.say("error: no line of the log could be read");
        streams.say("  = help: `--log-format` and `--fields` say what its lines look like");
        return Ok(Exit::No);
    }
    if !report.is_whole() {
        let failed = report.requests.failed;
        streams.say(format_args!("{failed} requests failed; run the same command again"));
        return Ok(Exit::No);
    }
    Ok(Exit::Done)
}

fn written(report: &Report, format: ReportFormat) -> io::Result<String> {
    match format {
        ReportFormat::Human => Ok(report.human().to_string()),
        ReportFormat::Json => Ok(report.json().map_err(io::Error::other)? + "\n"),
        ReportFormat::Csv => report.csv().map_err(io::Error::other),
    }
}

fn wanted(asked: &Exposure) -> Result<Wanted, String> {
    let fields = asked.fields.as_deref().map_or_else(|| Ok(Fields::default()), Fields::read)?;
    let prefix = asked.strip_prefix.trim_end_matches('/').to_owned();
    Ok(Wanted {
        logs: asked.log.clone(),
        reading: Reading { form: asked.log_format.into(), fields, prefix },
        state: asked.state.clone(),
        as_of_read: asked.as_of_read,
        page_parameters: asked.page_parameter.clone(),
        rate: rate(&asked.rate)?,
    })
}

/// `20/s`, `600/m`.
fn rate(written: &str) -> Result<Rate, String> {
    let wrong = || format!("`{written}` is no rate; write it like `20/s` or `600/m`");
    let (most, per) = written.split_once('/').ok_or_else(wrong)?;
    let most: NonZeroU32 = most.parse().map_err(|_| wrong())?;
    let per = match per {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_mins(1),
        "h" => Duration::from_hours(1),
        _ => return Err(wrong()),
    };
    Ok(Rate { most: most.into(), per })
}

/// A line on a terminal that is written anew.
struct Shown {
    began: Instant,
    last: Option<Instant>,
    /// How far it was when it began.
    first: Option<usize>,
}

impl Shown {
    fn show(&mut self, progress: Progress, out: &mut dyn io::Write) {
        let first = *self.first.get_or_insert(progress.asked.saturating_sub(1));
        if self.last.is_some_and(|last| last.elapsed() < SHOWN_EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let Progress { asked, all, failed } = progress;
        let done = u32::try_from(asked.saturating_sub(first)).unwrap_or(u32::MAX);
        let left = u32::try_from(all.saturating_sub(asked)).unwrap_or(u32::MAX);
        let each = self.began.elapsed().checked_div(done.max(1)).unwrap_or_default();
        let minutes = each.saturating_mul(left).as_secs().div_ceil(60);
        let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        let line = format!("\r{asked} of {all} requests{failures}, about {minutes} min left\x1b[K");
        // Where stderr is gone, the search goes on.
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap_or_default();
    }

    fn clear(&self, out: &mut dyn io::Write) {
        if self.last.is_some() {
            out.write_all(b"\r\x1b[K").unwrap_or_default();
        }
    }
}
