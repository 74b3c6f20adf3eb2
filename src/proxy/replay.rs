//! Requests of the past, asked again with rights of ours, and what today's policies make of the
//! answers. The code is that of `run`: admitted, planned, asked, paged, looked up and judged by the
//! same parts. What is released is dropped; only the account of it comes out.

use super::inquirer::{Arriving, Inquirer, Whole};
use super::paging::{self, Read};
use super::refusal::Refusal;
use super::upstream::{Rights, Upstream};
use crate::admin::Metrics;
use crate::audit::Asker;
use crate::config::Config;
use crate::config::units::Rate;
use crate::engine::Redactor;
use crate::engine::explain::RecordAccount;
use crate::engine::facts::People;
use crate::engine::pages::Next;
use crate::engine::released::{self, Report};
use crate::engine::request::{Asked, Plan, admit};
use crate::engine::set::PolicySet;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long one answer, with all that is looked up for it, may take: what keeps a pace is slow,
/// and what is late would be hidden that `run` shows.
const PATIENCE: Duration = Duration::from_hours(1);

/// Asks again what readers asked.
#[derive(Debug)]
pub struct Replay {
    inquirer: Inquirer,
    policy: Arc<PolicySet>,
}

/// What today's proxy makes of a request.
#[derive(Debug)]
pub enum Replayed {
    /// It judges an answer: the records that the reader got and would not get, or not whole.
    Judged(Vec<RecordAccount>),
    /// It refuses the request, or cannot judge the answer.
    Refused {
        /// What the reader gets.
        status: u16,
        /// Why, in one word.
        cause: &'static str,
    },
    /// The upstream has no such thing any more.
    Gone,
    /// The upstream could not be asked, or its answer not be read to its end; words of ours.
    Failed(String),
}

/// Why nothing was judged.
enum Unjudged {
    Gone,
    Refused(Refusal),
}

impl<R: Into<Refusal>> From<R> for Unjudged {
    fn from(refusal: R) -> Unjudged {
        Unjudged::Refused(refusal.into())
    }
}

impl Replay {
    /// The upstream of a deployment, asked at this pace. The error is words for an operator.
    pub fn new(config: &Config, policy: Arc<PolicySet>, pace: Rate) -> Result<Replay, String> {
        let mut patient = config.clone();
        patient.upstream.timeout.total = PATIENCE;
        let public_url = config.judging.public_url.as_ref();
        let metrics = Arc::new(Metrics::default());
        let upstream = Upstream::new(&patient.upstream, public_url, Arc::clone(&metrics))?;
        let upstream = upstream.at_pace(pace);
        if !upstream.has_rights_of_its_own() {
            return Err("there is nothing to ask the upstream with: readers' tokens of the past \
                        are gone; write `look-ups: { token-file: … }` under `upstream`"
                .to_owned());
        }
        let inquirer = Inquirer::new(&patient, upstream, &metrics)?.patient(PATIENCE);
        Ok(Replay { inquirer, policy })
    }

    /// Asks again what one of these people asked by GET. `page` are the parameters, taken off the
    /// target, by which the old portal turned pages.
    pub async fn ask(
        &self,
        people: Arc<dyn People>,
        target: &str,
        page: &[(String, String)],
    ) -> Replayed {
        let asked = Asked { method: "GET", target, form: None };
        let plan = match admit(&self.policy, &*people, asked) {
            Ok(plan) => plan,
            Err((refusal, _)) => return refused(&refusal.into()),
        };
        match self.judge(people, plan, page).await {
            Ok(records) => Replayed::Judged(records),
            Err(Unjudged::Gone) => Replayed::Gone,
            Err(Unjudged::Refused(refusal)) => refused(&refusal),
        }
    }

    async fn judge(
        &self,
        people: Arc<dyn People>,
        mut plan: Plan,
        page: &[(String, String)],
    ) -> Result<Vec<RecordAccount>, Unjudged> {
        // A cursor of the past is the upstream's own, where ours are sealed.
        let mut asked_page = page.to_vec();
        let mut size = None;
        if let Some(page) = &mut plan.page {
            size = page.size.take();
            if let Some(cursor) = page.cursor.take() {
                asked_page.push((page.cursor_parameter.clone(), cursor));
            }
        }
        let is_part = size.is_some() || !asked_page.is_empty();
        let search = plan.clone().sized(self.inquirer.page_records);
        let Records { records, upstream_pages } = self.exposed(&people, &search).await?;
        if plan.page.is_none() || records.is_empty() || (!is_part && upstream_pages <= 1) {
            return Ok(records);
        }
        // The verdicts are those of the whole search, as `run` has them; what the reader got is
        // the page that they asked for.
        let mut one = if let Some(size) = size { plan.sized(size) } else { plan };
        for (name, value) in asked_page {
            one = one.following(&Next::Parameter { name, value });
        }
        one.page = None;
        let on_page = match self.names(people, &one).await {
            Ok(names) => names,
            Err(Unjudged::Refused(refusal)) if is_failure(&refusal) => return Err(refusal.into()),
            // A cursor that the upstream has forgotten: any of it may have been on the page.
            Err(_) => return Ok(records),
        };
        let got = |record: &RecordAccount| name(record).is_none_or(|name| on_page.contains(&name));
        Ok(records.into_iter().filter(got).collect())
    }

    /// What is withheld of an answer.
    async fn exposed(&self, people: &Arc<dyn People>, plan: &Plan) -> Result<Records, Unjudged> {
        let asker = Asker { policy: self.policy.hash.clone(), ..Asker::default() };
        let page = paging::asked(&self.inquirer, plan, &asker)?;
        let (policy, people) = (Arc::clone(&self.policy), Arc::clone(people));
        let redactor = self.inquirer.redactor(policy, people, plan, page, true);
        let mut arriving = self.arriving(plan, redactor).await?;
        if plan.stream {
            let mut records = Vec::new();
            let mut flow = self.inquirer.stream(&mut arriving.redactor, arriving.body);
            while let Some(released) = flow.next().await? {
                records.extend(withheld_of(released.report));
            }
            return Ok(Records { records, upstream_pages: 1 });
        }
        let mut lease = self.inquirer.held.lease();
        let mut unreleased = None;
        let judged = self.inquirer.judge_whole(arriving, &mut lease, &mut unreleased).await;
        let (report, upstream_pages) = match (judged, unreleased) {
            (Ok(Whole { released, upstream_pages }), _) => (released.report, upstream_pages),
            // Hidden: the reader of the past got it, that of today gets the 404.
            (Err(Refusal::Engine(released::Refusal::NotFound)), Some(report)) => (report, 1),
            (Err(refusal), _) => return Err(refusal.into()),
        };
        Ok(Records { records: withheld_of(report).collect(), upstream_pages })
    }

    /// Which records stand in an answer.
    async fn names(
        &self,
        people: Arc<dyn People>,
        plan: &Plan,
    ) -> Result<BTreeSet<Name>, Unjudged> {
        let settings = self.inquirer.engine.clone();
        let redactor =
            Redactor::new(Arc::clone(&self.policy), people, settings, plan.clone(), true);
        let arriving = self.arriving(plan, Box::new(redactor)).await?;
        let mut lease = self.inquirer.held.lease();
        let read = paging::read_all(&self.inquirer, arriving, &mut lease).await;
        let Read { redactor, bytes, .. } = read.map_err(|(refusal, _)| refusal)?;
        let judging = self.inquirer.offload.run(redactor, bytes, Redactor::finish);
        let (_, released) = judging.await?;
        let account = released?.report.account.unwrap_or_default();
        Ok(account.records.iter().filter_map(name).collect())
    }

    async fn arriving<'p>(
        &self,
        plan: &'p Plan,
        mut redactor: Box<Redactor>,
    ) -> Result<Arriving<'p>, Unjudged> {
        let upstream = &self.inquirer.upstream;
        let until = upstream.deadline();
        let answer = upstream.ask(plan, Rights::Ours, until).await?;
        match answer.status() {
            404 | 410 => {
                answer.discard();
                return Err(Unjudged::Gone);
            }
            // To a reader this is nothing there; here it is rights that do not reach.
            status @ (401 | 403) => {
                answer.discard();
                return Err(released::Refusal::UpstreamStatus { status }.into());
            }
            _ => {}
        }
        let body = answer.taken_by(&mut redactor)?;
        Ok(Arriving { plan, rights: Rights::Ours, redactor, body, until })
    }
}

/// What an answer held that is withheld.
struct Records {
    records: Vec<RecordAccount>,
    upstream_pages: u32,
}

/// Kind and id.
type Name = (String, String);

fn name(record: &RecordAccount) -> Option<Name> {
    record.id.clone().map(|id| (record.kind.clone(), id))
}

/// The records that are withheld, and those from which rules cut something.
fn withheld_of(report: Report) -> impl Iterator<Item = RecordAccount> {
    let records = report.account.unwrap_or_default().records.into_iter();
    records.filter(|record| !record.released || record.cuts.iter().any(|cut| !cut.rules.is_empty()))
}

/// Whether to ask again may help.
fn is_failure(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Engine(released::Refusal::UpstreamStatus { status }) => {
            !matches!(status, 400 | 422)
        }
        Refusal::Upstream(_) | Refusal::TooMuchHeld | Refusal::Fault => true,
        Refusal::Malformed(_)
        | Refusal::Method
        | Refusal::NoCredentials
        | Refusal::BadCredentials(_)
        | Refusal::OverLimit(_)
        | Refusal::Engine(_)
        | Refusal::NotRecorded
        | Refusal::NotReady => false,
    }
}

fn refused(refusal: &Refusal) -> Replayed {
    if is_failure(refusal) {
        return Replayed::Failed(refusal.for_operator());
    }
    Replayed::Refused { status: refusal.wire().status.as_u16(), cause: refusal.cause() }
}
