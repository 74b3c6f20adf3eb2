//! Hears of every answer and raises what an operator should look at: a line in the audit, a
//! metric, a file that outlives the process.
//!
//! TWO-WORLDS: an answer never waits for it. What cannot be taken at once is dropped, and counted.

use super::{Proxy, now_s};
use crate::admin::Metrics;
use crate::audit::{Asker, AuditLog, Entry, Event};
use crate::config::meant;
use crate::engine::released::Report;
use crate::findings::{Findings, Kind, NumberedId, Raised, Seen};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// Most answers that wait to be heard of, about a kilobyte each.
const WAITING_MAX: usize = 8192;

/// How often what must outlive the process is written down.
const SAVED_EVERY: Duration = Duration::from_mins(5);

/// The watch of one proxy.
#[derive(Debug)]
pub(super) struct Watch {
    seen: mpsc::Sender<Seen>,
    watching: Mutex<Watching>,
}

#[derive(Debug)]
struct Watching {
    seen: mpsc::Receiver<Seen>,
    /// Nobody waits for it: one task hears, and saves.
    findings: Arc<std::sync::Mutex<Findings>>,
    file: PathBuf,
}

impl Watch {
    /// As a deployment says. The error is words for an operator.
    pub(super) fn new(settings: &meant::Findings, metrics: &Metrics) -> Result<Watch, String> {
        for kind in Kind::ALL {
            metrics.may_be_found(kind.name());
        }
        let file = settings.state.clone();
        let mut findings = Findings::new(settings.clone());
        findings.load(&file).map_err(|error| {
            format!("{}: cannot be read: {error}; remove it to begin anew", file.display())
        })?;
        let findings = Arc::new(std::sync::Mutex::new(findings));
        let (sender, seen) = mpsc::channel(WAITING_MAX);
        Ok(Watch { seen: sender, watching: Mutex::new(Watching { seen, findings, file }) })
    }

    /// Tells of an answer.
    pub(super) fn tell(
        &self,
        metrics: &Metrics,
        asker: &Asker,
        report: Option<&Report>,
        not_found: bool,
    ) {
        let found = report.iter().flat_map(|report| &report.findings);
        let seen = Seen {
            at_s: now_s().unwrap_or_default(),
            reader: asker.reader.clone(),
            client: asker.client.clone(),
            route: asker.route.clone(),
            subjects: report.map(|it| it.by_subject.keys().cloned().collect()).unwrap_or_default(),
            withheld: report.map_or(0, |report| report.withheld),
            found: found.map(|(finding, count)| (*finding, *count)).collect(),
            not_found,
            id: None,
        };
        self.send(metrics, seen);
    }

    /// Tells that a record was asked for by its id.
    pub(super) fn tell_id(&self, metrics: &Metrics, asker: &Asker, target: &str) {
        let path = target.split('?').next().unwrap_or_default();
        if let Some(id) = NumberedId::at_the_end_of(path) {
            let (reader, client) = (asker.reader.clone(), asker.client.clone());
            let at_s = now_s().unwrap_or_default();
            self.send(metrics, Seen { at_s, reader, client, id: Some(id), ..Seen::default() });
        }
    }

    fn send(&self, metrics: &Metrics, seen: Seen) {
        if self.seen.try_send(seen).is_err() {
            metrics.not_watched(1);
        }
    }

    /// Watches for as long as it is polled.
    pub(super) async fn run(&self, proxy: &Proxy) {
        let mut watching = self.watching.lock().await;
        let mut save = tokio::time::interval(SAVED_EVERY);
        loop {
            let Watching { seen, .. } = &mut *watching;
            tokio::select! {
                heard = seen.recv() => match heard {
                    Some(seen) => watching.hear(&seen, &proxy.audit, &proxy.metrics).await,
                    None => return,
                },
                _ = save.tick() => watching.save(&proxy.metrics).await,
            }
        }
    }

    /// Hears of what is left and writes down what must outlive the process.
    pub(super) async fn end(&self, proxy: &Arc<Proxy>) {
        let mut watching = self.watching.lock().await;
        while let Ok(seen) = watching.seen.try_recv() {
            watching.hear(&seen, &proxy.audit, &proxy.metrics).await;
        }
        watching.save(&proxy.metrics).await;
    }
}

impl Watching {
    async fn hear(&mut self, seen: &Seen, audit: &AuditLog, metrics: &Metrics) {
        let (raised, unwatched) = {
            let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
            let before = findings.unwatched();
            let raised = findings.see(seen);
            (raised, findings.unwatched().saturating_sub(before))
        };
        for raised in raised {
            metrics.raised(raised.kind.name());
            let Raised { kind, reader, client, route, subject, count } = raised;
            let asker = Asker { reader, client, route, ..Asker::default() };
            let entry = Entry::new(&asker, Event::Finding).finding(kind.name(), subject, count);
            // An audit that cannot be written is told by every request; this is one more.
            audit.record(&entry).await.ok();
        }
        metrics.not_watched(unwatched);
    }

    async fn save(&mut self, metrics: &Metrics) {
        let (findings, file) = (Arc::clone(&self.findings), self.file.clone());
        let saving = tokio::task::spawn_blocking(move || {
            findings.lock().unwrap_or_else(PoisonError::into_inner).save(&file)
        });
        if !matches!(saving.await, Ok(Ok(()))) {
            metrics.not_watched(1);
        }
    }
}
