//! An answer judged whole: held, judged when it has ended, recorded, then sent.

use super::headers::OwnNote;
use super::paging::{self, Read};
use super::refusal::Refusal;
use super::response::{self, ReaderBody};
use super::{Judged, Proxy};
use crate::audit::{Entry, Event};
use crate::engine::Redactor;
use crate::engine::released::{Released, Report};
use hyper::Response;

/// Judges a body whole and answers with what is released. If that is nothing, `account` tells
/// the audit why.
pub(super) async fn answer(
    proxy: &Proxy,
    judged: Judged<'_>,
    account: &mut Option<Report>,
) -> Result<Response<ReaderBody>, Refusal> {
    let (plan, asker) = (judged.plan, judged.asker);
    let mut lease = proxy.held.lease();
    let reading = paging::read_all(proxy, judged, &mut lease).await;
    let Read { mut redactor, bytes } = reading.map_err(|(refusal, report)| {
        *account = report;
        refusal
    })?;
    if let Some(look_ups) = &proxy.look_ups {
        redactor.end();
        look_ups.find_owner(&mut redactor).await;
        if bytes <= paging::OFFLOAD_BYTES {
            look_ups.settle(&mut redactor).await;
        } else {
            redactor = look_ups.settle_long(redactor).await?;
        }
    }
    let released = finish(Read { redactor, bytes }, account).await?;
    let report = &released.report;
    proxy.limits.records(&asker.reader, report.released).map_err(Refusal::OverLimit)?;
    proxy.metrics.judged(report);
    let own_note = report.own_note_withheld.then(|| OwnNote { notice: proxy.notice.clone() });
    let leaves = if plan.head { 0 } else { released.len() };
    let entry = Entry::new(asker, Event::Answer).status(200).bytes(leaves).report(report);
    let opened = proxy.audit.release(&entry, released).await?;
    Ok(response::whole(plan, &asker.request, opened, lease, own_note))
}

async fn finish(read: Read, account: &mut Option<Report>) -> Result<Released, Refusal> {
    let Read { redactor, bytes } = read;
    let (mut redactor, outcome) = paging::offloaded(redactor, bytes, Redactor::finish).await?;
    if outcome.is_err() {
        *account = Some(redactor.report());
    }
    Ok(outcome?)
}
