//! An answer judged whole: held, judged when it has ended, recorded, then sent.

use super::headers::OwnNote;
use super::refusal::Refusal;
use super::response::{self, ReaderBody};
use super::{Judged, Proxy};
use crate::audit::{Entry, Event};
use crate::engine::Redactor;
use crate::engine::released::{Released, Report};
use hyper::Response;

/// Bodies longer than this are judged on a thread of their own, so that others are not kept
/// waiting; shorter ones take less time than the change of threads.
const OFFLOAD_BYTES: usize = 256 * 1024;

/// Judges a body whole and answers with what is released. If that is nothing, `account` tells
/// the audit why.
pub(super) async fn answer(
    proxy: &Proxy,
    judged: Judged<'_>,
    account: &mut Option<Report>,
) -> Result<Response<ReaderBody>, Refusal> {
    let Judged { plan, asker, mut redactor, mut body } = judged;
    let mut lease = proxy.held.lease();
    let mut body_bytes = 0usize;
    while let Some(chunk) = body.next().await? {
        lease.grow(chunk.len())?;
        body_bytes = body_bytes.saturating_add(chunk.len());
        if redactor.push(&chunk)?.is_some() {
            // A whole body has one entry; bytes before its end would have none.
            return Err(Refusal::Fault);
        }
    }
    if let Some(look_ups) = &proxy.look_ups {
        redactor.end();
        if body_bytes <= OFFLOAD_BYTES {
            look_ups.settle(&mut redactor).await;
        } else {
            redactor = look_ups.settle_long(redactor).await?;
        }
    }
    let released = finish(redactor, body_bytes, account).await?;
    let report = &released.report;
    proxy.limits.records(&asker.reader, report.released).map_err(Refusal::OverLimit)?;
    proxy.metrics.judged(report);
    let own_note = report.own_note_withheld.then(|| OwnNote { notice: proxy.notice.clone() });
    let leaves = if plan.head { 0 } else { released.len() };
    let entry = Entry::new(asker, Event::Answer).status(200).bytes(leaves).report(report);
    let opened = proxy.audit.release(&entry, released).await?;
    Ok(response::whole(plan, &asker.request, opened, lease, own_note))
}

async fn finish(
    mut redactor: Redactor,
    body_bytes: usize,
    account: &mut Option<Report>,
) -> Result<Released, Refusal> {
    let mut judge = move || {
        let outcome = redactor.finish();
        (outcome, redactor.report())
    };
    let (outcome, report) = if body_bytes <= OFFLOAD_BYTES {
        judge()
    } else {
        tokio::task::spawn_blocking(judge).await.map_err(|_| Refusal::Fault)?
    };
    if outcome.is_err() {
        *account = Some(report);
    }
    Ok(outcome?)
}
