//! Asks the upstream and has its answers judged: what `run` and `exposure` share. Who asked, how
//! much they may ask and what becomes of what is released is not known here.

use super::answer::JudgedBody;
use super::cursor::Cursors;
use super::held::{Held, Lease};
use super::lookups::LookUps;
use super::offload::Offload;
use super::paging::{self, Read};
use super::refusal::Refusal;
use super::traces;
use super::upstream::{Rights, Upstream};
use crate::admin::Metrics;
use crate::config::Config;
use crate::engine::facts::People;
use crate::engine::pages::PageAsked;
use crate::engine::released::{Released, Report};
use crate::engine::request::Plan;
use crate::engine::set::PolicySet;
use crate::engine::{self, Redactor};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The upstream of one deployment, and how its answers are read.
#[derive(Debug)]
pub(super) struct Inquirer {
    pub(super) upstream: Arc<Upstream>,
    metrics: Arc<Metrics>,
    /// Where the deployment gives rights for them.
    pub(super) look_ups: Option<Arc<LookUps>>,
    pub(super) engine: engine::Settings,
    pub(super) held: Held,
    pub(super) offload: Offload,
    /// Records asked for in one page of the upstream, and most in one of ours.
    pub(super) page_records: u32,
    pub(super) upstream_pages: u32,
    /// Scheme, host and port by which the upstream may call itself.
    pub(super) origins: Vec<String>,
    pub(super) cursors: Cursors,
}

/// An answer on its way, once its head was taken.
pub(super) struct Arriving<'a> {
    pub(super) plan: &'a Plan,
    /// For the pages after this one.
    pub(super) rights: Rights<'a>,
    pub(super) redactor: Box<Redactor>,
    pub(super) body: JudgedBody,
    /// When the upstream must have given all of it.
    pub(super) until: Instant,
}

/// What a whole body was judged to be.
pub(super) struct Whole {
    pub(super) released: Released,
    /// How many pages of the upstream it was made of.
    pub(super) upstream_pages: u32,
}

impl Inquirer {
    /// As a deployment says. The error is words for an operator.
    pub(super) fn new(
        config: &Config,
        upstream: Upstream,
        metrics: &Arc<Metrics>,
    ) -> Result<Inquirer, String> {
        let judging = &config.judging;
        let upstream = Arc::new(upstream);
        let origins = [Some(&config.upstream.origin), judging.public_url.as_ref()];
        let origins: Vec<String> = origins.into_iter().flatten().map(ToString::to_string).collect();
        let look_ups = upstream.has_rights_to_look_up().then(|| {
            let (upstream, metrics) = (Arc::clone(&upstream), Arc::clone(metrics));
            LookUps::new(upstream, metrics, &judging.limits, origins.clone())
        });
        Ok(Inquirer {
            upstream,
            metrics: Arc::clone(metrics),
            look_ups,
            engine: judging.settings(),
            held: Held::new(judging.limits.held_bytes),
            offload: Offload::new(),
            page_records: judging.limits.page_records,
            upstream_pages: judging.limits.upstream_pages,
            origins,
            cursors: Cursors::new(&config.cursors)?,
        })
    }

    /// The same, with look-ups that may take so long.
    #[must_use]
    pub(super) fn patient(self, timeout: Duration) -> Inquirer {
        let look_ups = self.look_ups.map(|look_ups| look_ups.patient(timeout));
        Inquirer { look_ups, ..self }
    }

    /// A judge for the answer to an admitted request; with `explain` its report has an account.
    pub(super) fn redactor(
        &self,
        policy: Arc<PolicySet>,
        people: Arc<dyn People>,
        plan: &Plan,
        page: Option<PageAsked>,
        explain: bool,
    ) -> Box<Redactor> {
        let settings = self.engine.clone();
        let mut redactor = Redactor::new(policy, people, settings, plan.clone(), explain);
        if let Some(look_ups) = &self.look_ups {
            redactor = redactor.looking_up(Arc::<LookUps>::clone(look_ups));
        }
        if let Some(page) = page {
            redactor = redactor.page(page);
        }
        Box::new(redactor)
    }

    /// Reads a body to its end, and the pages after it, looks up what it needs and judges it
    /// whole. If nothing is released, `account` tells why.
    pub(super) async fn judge_whole(
        &self,
        arriving: Arriving<'_>,
        lease: &mut Lease,
        account: &mut Option<Report>,
    ) -> Result<Whole, Refusal> {
        let reading = paging::read_all(self, arriving, lease).await;
        let Read { mut redactor, bytes, upstream_pages } =
            reading.map_err(|(refusal, report)| {
                *account = report;
                refusal
            })?;
        let began = Instant::now();
        if let Some(look_ups) = &self.look_ups {
            redactor.end();
            Box::pin(look_ups.find_owner(&mut redactor)).await;
            redactor = look_ups.settle_whole(redactor, bytes, &self.offload).await?;
        }
        let (mut redactor, outcome) = self.offload.run(redactor, bytes, Redactor::finish).await?;
        let took = began.elapsed();
        self.metrics.took_to_judge(took);
        traces::span("judging", began, took);
        if outcome.is_err() {
            *account = Some(redactor.report());
        }
        Ok(Whole { released: outcome?, upstream_pages })
    }

    /// A body judged record by record.
    pub(super) fn stream<'a>(&'a self, redactor: &'a mut Redactor, body: JudgedBody) -> Flow<'a> {
        Flow { look_ups: self.look_ups.as_ref(), redactor, body: Some(body) }
    }
}

/// A body that is judged as it comes.
pub(super) struct Flow<'a> {
    look_ups: Option<&'a Arc<LookUps>>,
    redactor: &'a mut Redactor,
    /// `None` once it has ended.
    body: Option<JudgedBody>,
}

impl Flow<'_> {
    /// What is released next; `None` when all of it has been.
    pub(super) async fn next(&mut self) -> Result<Option<Released>, Refusal> {
        self.look_up().await;
        while let Some(body) = &mut self.body {
            let Some(chunk) = body.next().await? else {
                self.body = None;
                self.redactor.end();
                self.look_up().await;
                return Ok(Some(self.redactor.finish()?));
            };
            let released = self.redactor.push(&chunk)?;
            if released.is_some() {
                // What came with it is looked up when this has left.
                return Ok(released);
            }
            self.look_up().await;
        }
        Ok(None)
    }

    async fn look_up(&mut self) {
        if let Some(look_ups) = self.look_ups {
            look_ups.settle(self.redactor).await;
        }
    }
}
