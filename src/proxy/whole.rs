//! An answer judged whole: held, judged when it has ended, recorded, then sent.

use super::Proxy;
use super::headers::OwnNote;
use super::inquirer::{Arriving, Whole};
use super::refusal::Refusal;
use super::response::{self, ReaderBody};
use crate::audit::{Asker, Entry, Event};
use crate::engine::released::Report;
use crate::limits::Budget;
use hyper::Response;

/// Judges a body whole and answers with what is released. If that is nothing, `account` tells
/// the audit why.
pub(super) async fn answer(
    proxy: &Proxy,
    arriving: Arriving<'_>,
    asker: &Asker,
    budget: &mut Budget,
    account: &mut Option<Report>,
) -> Result<Response<ReaderBody>, Refusal> {
    let plan = arriving.plan;
    let mut lease = proxy.inquirer.held.lease();
    let judging = proxy.inquirer.judge_whole(arriving, &mut lease, account);
    let Whole { released, .. } = judging.await?;
    let report = &released.report;
    budget.release(report, released.len()).await?;
    proxy.metrics.judged(report);
    proxy.watch.tell(&proxy.metrics, asker, Some(report), false);
    let own_note = report.own_note_withheld.then(|| OwnNote { notice: proxy.notice.clone() });
    let leaves = if plan.head { 0 } else { released.len() };
    let entry = Entry::new(asker, Event::Answer).status(200).bytes(leaves);
    let opened = proxy.recorded(proxy.audit.release(entry, released)).await?;
    Ok(response::whole(plan, &asker.request, opened, lease, own_note))
}
