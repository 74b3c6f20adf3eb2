//! Reads the upstream's pages to their end, whichever page the reader asked for.
//!
//! TWO-WORLDS: what is in sight of what must not depend on where the upstream's pages end. So the
//! whole search is read for each page of it, and judged as one body (`engine::pages`). BOUNDED:
//! `upstream-pages`, each page `hold`, all of them within `held` and the upstream's `total`.

use super::answer::JudgedBody;
use super::cursor::Belongs;
use super::held::Lease;
use super::inquirer::{Arriving, Inquirer};
use super::now_s;
use super::refusal::Refusal;
use crate::audit::Asker;
use crate::engine::Redactor;
use crate::engine::pages::PageAsked;
use crate::engine::released;
use crate::engine::request::Plan;
use std::sync::Arc;

/// Records on a page where the reader does not say how many.
const PAGE_RECORDS: u32 = 50;

/// The page that was asked for, if the route pages.
pub(super) fn asked(
    inquirer: &Inquirer,
    plan: &Plan,
    asker: &Asker,
) -> Result<Option<PageAsked>, Refusal> {
    let Some(page) = &plan.page else { return Ok(None) };
    let belongs = Belongs {
        reader: &asker.reader,
        path: &page.path,
        query: &page.query,
        policy: &asker.policy,
    };
    let sealer = inquirer.cursors.of(belongs, now_s()?);
    let after = match &page.cursor {
        None => None,
        // Forged, foreign, expired, of another search: one answer.
        Some(cursor) => Some(sealer.open(cursor).ok_or_else(|| {
            Refusal::Engine(released::Refusal::Parameter { name: page.cursor_parameter.clone() })
        })?),
    };
    let records = page.size.unwrap_or(PAGE_RECORDS).min(inquirer.page_records);
    Ok(Some(PageAsked {
        records: usize::try_from(records).unwrap_or(usize::MAX),
        after,
        upstream_pages: inquirer.upstream_pages,
        origins: inquirer.origins.clone(),
        cursors: Arc::new(sealer),
    }))
}

/// What was read: a redactor that has all of it, and how much that was.
pub(super) struct Read {
    pub(super) redactor: Box<Redactor>,
    pub(super) bytes: usize,
    /// How many pages of the upstream.
    pub(super) upstream_pages: u32,
}

/// Reads a body, and if it is a page, those after it. With a refusal comes what the engine has to
/// tell of it.
pub(super) async fn read_all(
    inquirer: &Inquirer,
    arriving: Arriving<'_>,
    lease: &mut Lease,
) -> Result<Read, (Refusal, Option<released::Report>)> {
    let Arriving { plan, rights, mut redactor, mut body, until } = arriving;
    let mut bytes = 0usize;
    let mut upstream_pages = 0u32;
    let plainly = |refusal| (refusal, None);
    loop {
        let page_bytes = read(&mut redactor, &mut body, lease).await.map_err(plainly)?;
        bytes = bytes.saturating_add(page_bytes);
        upstream_pages = upstream_pages.saturating_add(1);
        let ended = inquirer.offload.run(redactor, page_bytes, Redactor::page_ended);
        let (mut ended, next) = ended.await.map_err(plainly)?;
        let next = next.map_err(|refusal| (refusal.into(), Some(ended.report())))?;
        redactor = ended;
        let Some(next) = next else { return Ok(Read { redactor, bytes, upstream_pages }) };
        let plan = plan.following(&next);
        let asking = inquirer.upstream.ask(&plan, rights, until);
        let answer = asking.await.map_err(|fault| plainly(fault.into()))?;
        let taken = answer.taken_by(&mut redactor);
        body = taken.map_err(|refusal| (refusal, Some(redactor.report())))?;
    }
}

async fn read(
    redactor: &mut Redactor,
    body: &mut JudgedBody,
    lease: &mut Lease,
) -> Result<usize, Refusal> {
    let mut bytes = 0usize;
    while let Some(chunk) = body.next().await? {
        lease.grow(chunk.len())?;
        bytes = bytes.saturating_add(chunk.len());
        if redactor.push(&chunk)?.is_some() {
            // A whole body has one entry; bytes before its end would have none.
            return Err(Refusal::Fault);
        }
    }
    Ok(bytes)
}
