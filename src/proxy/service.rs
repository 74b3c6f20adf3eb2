//! A deployment at work: everything built and bound, then served until the end.

use super::Proxy;
use super::cursor::Cursors;
use super::headers::notice_link;
use super::listener::{self, Listener};
use super::traces::Traces;
use super::upstream::Upstream;
use super::watch::Watch;
use super::world::{Tell, World};
use crate::admin::{Admin, Metrics, Told};
use crate::audit::AuditLog;
use crate::config::Config;
use crate::engine::diagnostics::Diagnostic;
use crate::identity::Identity;
use crate::limits::Limits;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// How often figures are taken that nobody counts along, and old connections closed.
const FIGURES_EVERY: Duration = Duration::from_secs(5);

/// How often readers that are idle are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Why a deployment cannot start.
#[derive(Debug)]
pub enum NoStart {
    /// Mistakes in policies or lists of people.
    Mistakes(Vec<Diagnostic>),
    /// A file that cannot be used, a port that is taken; words for an operator.
    Cannot(String),
}

/// A deployment, built and bound, not yet serving.
#[derive(Debug)]
pub struct Service {
    proxy: Arc<Proxy>,
    listener: Listener,
    admin: Option<Admin>,
    tell: Tell,
}

impl Service {
    /// Reads every file, opens the log, binds the addresses. Nothing is answered before all of
    /// it is good.
    pub async fn start(config: &Config, tell: Tell) -> Result<Service, NoStart> {
        clock_is_right(super::now_s().unwrap_or_default()).map_err(NoStart::Cannot)?;
        let world = World::load(&config.judging, tell).map_err(NoStart::Mistakes)?;
        let identity = Identity::new(&config.identity).map_err(NoStart::Cannot)?;
        let limits = Limits::open(&config.judging.limits.reads).map_err(NoStart::Cannot)?;
        let proxy =
            Proxy::new(config, world, identity, Arc::new(limits), Arc::new(Metrics::default()))
                .map_err(NoStart::Cannot)?;
        let listener = Listener::bind(&config.listen).await.map_err(NoStart::Cannot)?;
        let admin = match config.admin {
            None => None,
            Some(address) => Some(Admin::bind(address).await.map_err(NoStart::Cannot)?),
        };
        Ok(Service { proxy: Arc::new(proxy), listener, admin, tell })
    }

    /// Throws entries away. For measuring what they cost, and in tests alone.
    #[cfg(test)]
    pub(super) fn turn_audit_off(&mut self) {
        if let Some(proxy) = Arc::get_mut(&mut self.proxy) {
            proxy.audit.turn_off();
        }
    }

    /// Where readers connect, if that is TCP.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_address()
    }

    /// Where operators connect.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(Admin::local_address)
    }

    /// Serves until `end`, then lets what is under way end within a time; whether all of it did.
    pub async fn serve(self, end: impl Future<Output = ()> + Send) -> bool {
        let Service { proxy, listener, admin, tell } = self;
        let ending = Arc::new(AtomicBool::new(false));
        let ready = {
            let (proxy, ending) = (Arc::clone(&proxy), Arc::clone(&ending));
            move || if ending.load(Ordering::Relaxed) { Err("ending") } else { proxy.is_ready() }
        };
        let told = Told {
            metrics: Arc::clone(&proxy.metrics),
            ready: Box::new(ready),
            audit_head: Box::new({
                let proxy = Arc::clone(&proxy);
                move || proxy.audit.head()
            }),
        };
        let admin = async {
            match admin {
                Some(admin) => admin.serve(told).await,
                None => std::future::pending().await,
            }
        };
        let serving = listener.serve(Arc::clone(&proxy), async {
            end.await;
            ending.store(true, Ordering::Relaxed);
        });
        // In tasks of their own: what they write down or send keeps no connection waiting.
        let mut beside = JoinSet::new();
        let watched = Arc::clone(&proxy);
        beside.spawn(async move { watched.watch.run(&watched).await });
        let traced = Arc::clone(&proxy);
        beside.spawn(async move {
            if let Some(traces) = &traced.traces {
                traces.run().await;
            }
        });
        let ended = tokio::select! {
            all_ended = serving => all_ended,
            () = admin => false,
            () = proxy.world.watch() => false,
            () = look_after(&proxy, tell) => false,
            () = proxy.limits.stay_connected() => false,
            () = proxy.limits.save_now_and_then(|| proxy.metrics.limits.not_saved()) => false,
        };
        beside.shutdown().await;
        if proxy.limits.save().is_err() {
            proxy.metrics.limits.not_saved();
        }
        proxy.watch.end(&proxy).await;
        if let Some(traces) = &proxy.traces {
            traces.end().await;
        }
        ended
    }
}

/// What [`Service::start`] would refuse of the files that a deployment names, those of policies and
/// people apart: read as it reads them, and nothing is written. Words for an operator.
pub fn unusable(config: &Config) -> Vec<String> {
    let metrics = Arc::new(Metrics::default());
    let public_url = config.judging.public_url.as_ref();
    let tls = config.listen.tls.as_ref();
    let read = [
        tls.map_or(Ok(()), |tls| listener::acceptor(tls).map(drop)),
        Upstream::new(&config.upstream, public_url, Arc::clone(&metrics)).map(drop),
        Identity::new(&config.identity).map(drop),
        Limits::read(&config.judging.limits.reads).map(drop),
        Cursors::new(&config.cursors).map(drop),
        AuditLog::check_key(&config.audit),
        Watch::new(&config.findings, &metrics).map(drop),
        config.traces.as_ref().map_or(Ok(()), |to| Traces::to(to, &metrics).map(drop)),
        config.notice.as_ref().map_or(Ok(()), |url| notice_link(url).map(drop)),
    ];
    read.into_iter().filter_map(Result::err).collect()
}

/// 2026-01-01 in seconds since 1970: before this program was.
const EARLIEST_S: u64 = 1_767_225_600;

/// Whether a clock can be right: ages, tokens and grants are judged by it, and one that was never
/// set would bring back grants that have ended.
pub(super) fn clock_is_right(now_s: u64) -> Result<(), String> {
    if now_s >= EARLIEST_S {
        return Ok(());
    }
    Err("the clock of this machine says a time before 2026: ages, tokens and grants are judged \
         by it; set it first"
        .to_owned())
}

/// What is done now and then for as long as it is polled.
async fn look_after(proxy: &Proxy, tell: Tell) {
    proxy.identity.prepare().await;
    let mut figures = tokio::time::interval(FIGURES_EVERY);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    let mut files = FilesSeen::default();
    loop {
        tokio::select! {
            _ = figures.tick() => {
                proxy.audit.look_after_index();
                files.look(proxy, tell);
                proxy.metrics.set_held_bytes(proxy.inquirer.held.bytes());
                let (keys, together) = (proxy.limits.keys(), proxy.limits.counts_together());
                proxy.metrics.limits.set(keys, together);
                proxy.inquirer.upstream.forget_idle_connections();
            }
            _ = forget.tick() => {
                // A million keys take a while.
                let limits = Arc::clone(&proxy.limits);
                tokio::task::spawn_blocking(move || limits.forget_idle()).await.ok();
            }
        }
    }
}

/// What the figures of files said last.
#[derive(Debug, Default)]
struct FilesSeen {
    policy: String,
    refused: [u64; 2],
}

impl FilesSeen {
    fn look(&mut self, proxy: &Proxy, tell: Tell) {
        let policy = proxy.world.policy();
        if policy.hash != self.policy {
            self.policy.clone_from(&policy.hash);
            proxy.metrics.set_policy(&policy.hash, super::now_s().unwrap_or_default());
        }
        for ((files, now), seen) in proxy.world.refused().into_iter().zip(&mut self.refused) {
            proxy.metrics.reloads_failed(files, now.saturating_sub(*seen));
            *seen = now;
        }
        let keys =
            [("keys", proxy.identity.refused()), ("cursors", proxy.inquirer.cursors.refused())];
        for (files, refused) in keys {
            let times = u64::try_from(refused.len()).unwrap_or(u64::MAX);
            proxy.metrics.reloads_failed(files, times);
            if times > 0 {
                tell(&refused);
            }
        }
    }
}
