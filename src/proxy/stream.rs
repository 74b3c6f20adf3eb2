//! An answer judged record by record: an entry when it opens, one before each flush, one when it
//! closes. A fault cuts the connection; no byte without an entry has left by then.

use super::Proxy;
use super::answer::JudgedBody;
use super::drain::DrainWatch;
use super::inquirer::Arriving;
use super::refusal::Refusal;
use super::response::{self, ReaderBody, StreamPart};
use crate::audit::{Asker, Entry, Event, FLUSH_BYTES_MAX, Flushes};
use crate::engine::Redactor;
use crate::engine::released::Released;
use crate::limits::{Budget, LongRead};
use hyper::Response;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Flushes that wait for the reader to take them.
const FLUSHES_WAITING_MAX: usize = 1;

/// Answers with a stream, and goes on judging it in a task of its own.
pub(super) async fn answer(
    proxy: &Arc<Proxy>,
    arriving: Arriving<'_>,
    asker: &Asker,
    budget: Budget,
    under_way: (DrainWatch, Option<LongRead>),
) -> Result<Response<ReaderBody>, Refusal> {
    let Arriving { plan, redactor, body, .. } = arriving;
    let inquirer = &proxy.inquirer;
    let mut lease = inquirer.held.lease();
    lease.grow(inquirer.engine.record.saturating_add(FLUSH_BYTES_MAX))?;
    if inquirer.look_ups.is_some() {
        // Lines that wait for look-ups, and the chunk that they came with.
        lease.grow(FLUSH_BYTES_MAX.saturating_mul(2))?;
    }
    let entry = Entry::new(asker, Event::Open).status(200);
    proxy.recorded(proxy.audit.record(&entry)).await?;
    if plan.head {
        return Ok(response::stream(plan, &asker.request, None));
    }
    let (parts, receiver) = mpsc::channel(FLUSHES_WAITING_MAX);
    let answered = response::stream(plan, &asker.request, Some(receiver));
    let (proxy, asker) = (Arc::clone(proxy), asker.clone());
    // It outlasts its request, and writes lines as one does.
    let joined = proxy.audit.crowd().join();
    let pump = Pump { proxy, asker, budget, parts, left_bytes: 0 };
    tokio::spawn(async move {
        pump.run(redactor, body).await;
        drop((lease, under_way, joined));
    });
    Ok(answered)
}

/// Why a stream ended before its time.
enum Broken {
    /// The reader is gone.
    HungUp,
    /// What would have been a refusal, had nothing left yet.
    Refused(Refusal),
}

impl<R: Into<Refusal>> From<R> for Broken {
    fn from(refusal: R) -> Broken {
        Broken::Refused(refusal.into())
    }
}

/// Moves a stream from the upstream to the reader.
struct Pump {
    proxy: Arc<Proxy>,
    asker: Asker,
    budget: Budget,
    parts: mpsc::Sender<StreamPart>,
    left_bytes: usize,
}

impl Pump {
    async fn run(mut self, mut redactor: Box<Redactor>, body: JudgedBody) {
        let outcome = self.flow(&mut redactor, body).await;
        let unreleased = redactor.report();
        let fault = match &outcome {
            Ok(()) => None,
            Err(Broken::HungUp) => Some("the reader hung up".to_owned()),
            Err(Broken::Refused(refusal)) => {
                self.proxy.metrics.cut(refusal.cause());
                self.proxy.note_limit(refusal);
                Some(refusal.for_operator())
            }
        };
        let mut entry = Entry::new(&self.asker, Event::Close).bytes(self.left_bytes);
        if let Some(fault) = &fault {
            entry = entry.fault(fault).report(&unreleased);
        }
        let closed = self.proxy.recorded(self.proxy.audit.record(&entry)).await;
        if outcome.is_ok() && closed.is_ok() {
            self.parts.send(StreamPart::End).await.ok();
        }
        // Without an end the channel closes, and the body is cut.
    }

    async fn flow(&mut self, redactor: &mut Redactor, body: JudgedBody) -> Result<(), Broken> {
        let proxy = Arc::clone(&self.proxy);
        let mut flow = proxy.inquirer.stream(redactor, body);
        while let Some(released) = flow.next().await? {
            self.leave(released).await?;
        }
        Ok(())
    }

    async fn leave(&mut self, released: Released) -> Result<(), Broken> {
        if !released.is_empty() || released.report.released > 0 {
            self.budget.release(&released.report, released.len()).await?;
        }
        self.proxy.metrics.judged(&released.report);
        let report = Some(&released.report);
        self.proxy.watch.tell(&self.proxy.metrics, &self.asker, report, false);
        let mut flushes = Flushes::of(released);
        let entry = Entry::new(&self.asker, Event::Flush);
        while let Some(opened) =
            self.proxy.recorded(flushes.next(&self.proxy.audit, &entry)).await?
        {
            self.left_bytes = self.left_bytes.saturating_add(opened.len());
            if opened.is_empty() {
                // All of it was withheld: recorded, and nothing to send.
                continue;
            }
            self.parts.send(StreamPart::Flush(opened)).await.map_err(|_| Broken::HungUp)?;
        }
        Ok(())
    }
}
