//! Look-ups: records that a verdict needs, asked of the upstream with rights of our own, never
//! with the reader's. What is kept and shared between requests is what they say, whoever reads
//! ([`crate::engine::lookups::Looked`]); the reader is in no key.

use super::answer::Answer;
use super::offload::Offload;
use super::refusal::Refusal;
use super::upstream::{Upstream, UpstreamFault};
use crate::admin::Metrics;
use crate::config::meant::Limits;
use crate::engine::Redactor;
use crate::engine::company::Reading;
use crate::engine::lookups::{Found, Kept, LookUp, takes};
use crate::engine::request::Plan;
use crate::engine::set::PolicySet;
use bytes::BytesMut;
use foldhash::fast::RandomState;
use moka::Equivalent;
use moka::future::Cache;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// How long all look-ups for a body, or for one flush of a stream, may take together; what comes
/// later hides. Longer than a page of records takes on a slow upstream, shorter than a reader
/// waits.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest body of one record, bytes: a claim of a long hospital stay. Longer hides.
const BYTES_MAX: usize = 1024 * 1024;

/// Longest page of a search for company, bytes: a hundred bills with all their lines. Longer hides.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most pages of such searches read at once over all requests. Times [`PAGE_BYTES_MAX`] it is
/// their memory.
const PAGES_AT_ONCE_MAX: usize = 16;

/// Most at once for one body, so that a long one leaves room for others, and over all requests,
/// which is as many connections as are kept open. Times [`BYTES_MAX`] it is the memory of all.
const AT_ONCE_PER_BODY_MAX: usize = 16;
const AT_ONCE_MAX: usize = 64;

/// How long an answer is kept: about as long as a reader turns pages of one chart. What changes
/// upstream is seen after that.
const KEPT_FOR: Duration = Duration::from_secs(50);

/// How long it is kept what all searches for somebody found together: with the time for which
/// each is kept, a minute.
const TOGETHER_KEPT_FOR: Duration = Duration::from_secs(10);

/// Memory of all that is kept, bytes: some hundred thousand records.
const KEPT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// An answer: facts, or nothing to judge by.
type Facts = Option<Arc<Found>>;

/// The policy set by its hash, so that another set begins anew; and where was asked.
type Key = (String, String);

/// The same, borrowed.
#[derive(Hash)]
struct KeyRef<'a>(&'a str, &'a str);

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, (hash, target): &Key) -> bool {
        self.0 == hash && self.1 == target
    }
}

/// All look-ups of one deployment.
pub(super) struct LookUps {
    upstream: Arc<Upstream>,
    metrics: Arc<Metrics>,
    depth: usize,
    timeout: Duration,
    kept: Cache<Key, Facts, RandomState>,
    together: moka::sync::Cache<Key, Arc<Found>, RandomState>,
    at_once: Semaphore,
    pages_at_once: Semaphore,
    /// Most pages of one search for company, and by what the upstream may call itself in them.
    upstream_pages: u32,
    origins: Vec<String>,
}

impl fmt::Debug for LookUps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookUps").finish_non_exhaustive()
    }
}

impl LookUps {
    pub(super) fn new(
        upstream: Arc<Upstream>,
        metrics: Arc<Metrics>,
        limits: &Limits,
        origins: Vec<String>,
    ) -> Arc<LookUps> {
        Arc::new(LookUps {
            upstream,
            metrics,
            depth: limits.depth,
            timeout: TIMEOUT,
            kept: cache(KEPT_FOR),
            together: together(TOGETHER_KEPT_FOR),
            at_once: Semaphore::new(AT_ONCE_MAX),
            pages_at_once: Semaphore::new(PAGES_AT_ONCE_MAX),
            upstream_pages: limits.upstream_pages,
            origins,
        })
    }

    /// The same with other patience, and nothing kept so far.
    pub(super) fn patient(self: Arc<LookUps>, timeout: Duration) -> Arc<LookUps> {
        Arc::new(LookUps {
            upstream: Arc::clone(&self.upstream),
            metrics: Arc::clone(&self.metrics),
            depth: self.depth,
            timeout,
            kept: cache(timeout),
            together: together(timeout),
            at_once: Semaphore::new(AT_ONCE_MAX),
            pages_at_once: Semaphore::new(PAGES_AT_ONCE_MAX),
            upstream_pages: self.upstream_pages,
            origins: self.origins.clone(),
        })
    }

    /// Gives a redactor what a record belongs to that is read by its id. Not kept: it is judged
    /// for this reader.
    pub(super) async fn find_owner(&self, redactor: &mut Redactor) {
        let Some(plan) = redactor.owner_wanted() else { return };
        let asking = async {
            let permit = self.at_once.acquire().await;
            let _permit = permit.map_err(|_| UpstreamFault::Unreachable)?;
            let answer = self.upstream.look_up(&plan).await?;
            read(redactor.policy(), &plan, answer, BYTES_MAX).await
        };
        let found = timeout_at(Instant::now() + self.timeout, asking).await;
        self.metrics.looked_up(match found {
            Ok(Ok(Some(body))) if redactor.owner(&body) => "answered",
            Ok(Ok(_)) => "nothing",
            Ok(Err(_)) => "failed",
            Err(_) => "late",
        });
    }

    /// Gives the redactor of a stream all that it wants, as far as it is to be had.
    pub(super) async fn settle(self: &Arc<Self>, redactor: &mut Redactor) {
        let until = Instant::now() + self.timeout;
        loop {
            let wanted = redactor.wanted();
            if wanted.is_empty() {
                return;
            }
            let policy = Arc::clone(redactor.policy());
            redactor.looked_up(self.all(&policy, wanted, until).await);
        }
    }

    /// The same for a whole body of so many bytes.
    pub(super) async fn settle_whole(
        self: &Arc<Self>,
        mut redactor: Box<Redactor>,
        bytes: usize,
        offload: &Offload,
    ) -> Result<Box<Redactor>, Refusal> {
        let until = Instant::now() + self.timeout;
        loop {
            let wanted;
            (redactor, wanted) = offload.run(redactor, bytes, Redactor::wanted).await?;
            if wanted.is_empty() {
                return Ok(redactor);
            }
            let policy = Arc::clone(redactor.policy());
            redactor.looked_up(Box::pin(self.all(&policy, wanted, until)).await);
        }
    }

    /// What came of each, in order.
    async fn all(
        self: &Arc<Self>,
        policy: &Arc<PolicySet>,
        wanted: Vec<LookUp>,
        until: Instant,
    ) -> Vec<Facts> {
        let mut answers: Vec<Facts> = vec![None; wanted.len()];
        let mut asked = JoinSet::new();
        let mut wanted = wanted.into_iter().enumerate();
        loop {
            while asked.len() < AT_ONCE_PER_BODY_MAX
                && let Some((at, look_up)) = wanted.next()
            {
                let key = (policy.hash.clone(), look_up.target().to_owned());
                let (this, policy) = (Arc::clone(self), Arc::clone(policy));
                asked.spawn(async move { (at, this.one(key, &policy, &look_up).await) });
            }
            match timeout_at(until, asked.join_next()).await {
                Ok(Some(Ok((at, answer)))) => put(&mut answers, at, answer),
                // A fault of ours in one of them: it hides, as what fails does.
                Ok(Some(Err(_))) => self.metrics.looked_up("failed"),
                Ok(None) => return answers,
                Err(_) => {
                    let left = asked.len().saturating_add(wanted.len());
                    (0..left).for_each(|_| self.metrics.looked_up("late"));
                    return answers;
                }
            }
        }
    }

    /// One look-up; equal ones that are under way are one, and one that is kept is not asked.
    async fn one(&self, key: Key, policy: &Arc<PolicySet>, look_up: &LookUp) -> Facts {
        let asking = async {
            let asked = self.ask(policy, look_up).await;
            self.metrics.looked_up(match &asked {
                Ok(Some(_)) => "answered",
                Ok(None) => "nothing",
                Err(_) => "failed",
            });
            asked
        };
        // What failed is not kept: the next reader may have more luck.
        self.kept.try_get_with(key, asking).await.unwrap_or_default()
    }

    async fn ask(&self, policy: &Arc<PolicySet>, look_up: &LookUp) -> Result<Facts, UpstreamFault> {
        if let Some(reading) = look_up.company_reading() {
            return self.company(policy, look_up.plan().clone(), reading).await;
        }
        let _permit = self.at_once.acquire().await.map_err(|_| UpstreamFault::Unreachable)?;
        let answer = self.upstream.look_up(look_up.plan()).await?;
        let Some(answer) = there(answer)? else { return Ok(None) };
        let body = read(policy, look_up.plan(), answer, BYTES_MAX).await?;
        let found = body.and_then(|body| look_up.read(policy, self.depth, &body));
        Ok(found.map(Arc::new))
    }

    /// Reads a search for company to its end. TWO-WORLDS: what is not read to its end is not
    /// known, and hides; a search that the upstream has not is one to be left out of the shape.
    async fn company(
        &self,
        policy: &Arc<PolicySet>,
        mut plan: Plan,
        mut reading: Reading,
    ) -> Result<Facts, UpstreamFault> {
        // BOUNDED: `upstream-pages`.
        for _ in 0..self.upstream_pages {
            let page = self.pages_at_once.acquire().await;
            let one = self.at_once.acquire().await;
            let (Ok(_page), Ok(_one)) = (page, one) else { return Err(UpstreamFault::Unreachable) };
            let answer = self.upstream.look_up(&plan).await?;
            let Some(answer) = there(answer)? else { return Ok(None) };
            let body = read(policy, &plan, answer, PAGE_BYTES_MAX).await?;
            let Some(body) = body else { return Ok(None) };
            let (set, depth, origins) = (Arc::clone(policy), self.depth, self.origins.clone());
            let taking = tokio::task::spawn_blocking(move || {
                let next = reading.take(&set, depth, &origins, &body);
                (reading, next)
            });
            let next;
            (reading, next) = taking.await.map_err(|_| UpstreamFault::Broken)?;
            match next {
                None => return Ok(None),
                Some(None) => return Ok(reading.end(policy).map(Arc::new)),
                Some(Some(next)) => plan = next,
            }
        }
        Ok(None)
    }
}

impl Kept for LookUps {
    fn kept(&self, policy: &PolicySet, target: &str) -> Option<Facts> {
        let key = KeyRef(&policy.hash, target);
        if !target.starts_with('/') {
            return self.together.get(&key).map(Some);
        }
        let looking = pin!(self.kept.get(&key));
        // The cache waits for nobody but itself tidying up; then it is asked in the usual way.
        let kept = match looking.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(kept) => kept?,
            Poll::Pending => return None,
        };
        self.metrics.looked_up("kept");
        Some(kept)
    }

    fn keep(&self, policy: &PolicySet, name: &str, found: &Arc<Found>) {
        self.together.insert((policy.hash.clone(), name.to_owned()), Arc::clone(found));
    }
}

/// What is kept of what searches found together, for so long. Counted as if it were held twice.
fn together(kept_for: Duration) -> moka::sync::Cache<Key, Arc<Found>, RandomState> {
    let kept = moka::sync::Cache::builder().time_to_live(kept_for).max_capacity(KEPT_BYTES_MAX);
    kept.weigher(|key: &Key, found: &Arc<Found>| weight(key, found.bytes()))
        .build_with_hasher(RandomState::default())
}

/// An answer that there is something; `None` where there is nothing.
fn there(answer: Answer) -> Result<Option<Answer>, UpstreamFault> {
    match answer.status() {
        200 => Ok(Some(answer)),
        403 | 404 | 410 => {
            answer.discard();
            Ok(None)
        }
        _ => {
            answer.discard();
            Err(UpstreamFault::Ambiguous("a status that says nothing of a record"))
        }
    }
}

/// What is kept of answers, for so long.
fn cache(kept_for: Duration) -> Cache<Key, Facts, RandomState> {
    let kept = Cache::builder().time_to_live(kept_for).max_capacity(KEPT_BYTES_MAX);
    let bytes = |facts: &Facts| facts.as_ref().map_or(0, |looked| looked.bytes());
    kept.weigher(move |key, facts| weight(key, bytes(facts)))
        .build_with_hasher(RandomState::default())
}

fn weight((hash, target): &Key, bytes: usize) -> u32 {
    let all = bytes.saturating_add(hash.len()).saturating_add(target.len());
    u32::try_from(all).unwrap_or(u32::MAX)
}

fn put(answers: &mut [Facts], at: usize, answer: Facts) {
    if let Some(slot) = answers.get_mut(at) {
        *slot = answer;
    }
}

/// The body, if it is of its type and within its limit.
async fn read(
    policy: &PolicySet,
    plan: &Plan,
    answer: Answer,
    bytes_max: usize,
) -> Result<Option<BytesMut>, UpstreamFault> {
    if !takes(policy, plan, answer.status(), &answer.content_types()) {
        answer.discard();
        return Ok(None);
    }
    let mut body = answer.judged_body()?;
    let mut held = BytesMut::new();
    while let Some(chunk) = body.next().await? {
        if held.len().saturating_add(chunk.len()) > bytes_max {
            return Ok(None);
        }
        held.extend_from_slice(&chunk);
    }
    Ok(Some(held))
}
