//! The three of them at work: the payer's API, the proxy in front of it, and the readers.

use super::client::{Ask, Client, Heard};
use super::deployment::{Addresses, Deployment};
use super::family::Who;
use super::payer_api::PayerApi;
use super::world::World;
use crate::config::Config;
use crate::engine::diagnostics::Diagnostic;
use crate::proxy::{NoStart, Service};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// Where readers and operators connect, if nobody else is there; then at any free port.
const PROXY_PORT: u16 = 9463;
const ADMIN_PORT: u16 = 9464;

/// How often a start is tried again with other ports.
const STARTS_MAX: usize = 5;

/// All that was started.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) world: Arc<World>,
    pub(super) addresses: Addresses,
    pub(super) settings: PathBuf,
    deployment: Deployment,
    payer: JoinHandle<()>,
    end: oneshot::Sender<()>,
    proxy: JoinHandle<bool>,
}

impl Stage {
    /// Starts the payer and the proxy.
    pub(super) async fn set(world: World) -> io::Result<Stage> {
        let world = Arc::new(world);
        let deployment = Deployment::prepare(world.today)?;
        let api = PayerApi::bind(([127, 0, 0, 1], 0).into()).await?;
        let payer = api.address;
        let mut tried = 0;
        let (addresses, settings, service) = loop {
            let taken = tried > 0;
            let proxy = free_port(if taken { 0 } else { PROXY_PORT })?;
            let admin = free_port(if taken { 0 } else { ADMIN_PORT })?;
            let addresses = Addresses { payer, proxy, admin };
            let settings = deployment.settings(addresses)?;
            let config = Config::load(&settings).map_err(|mistakes| told(&mistakes))?;
            match Service::start(&config, tell).await {
                Ok(service) => break (addresses, settings, service),
                // Between looking for a free port and taking it somebody else may have come.
                Err(NoStart::Cannot(_)) if tried < STARTS_MAX => tried += 1,
                Err(NoStart::Cannot(why)) => return Err(io::Error::other(why)),
                Err(NoStart::Mistakes(mistakes)) => return Err(told(&mistakes)),
            }
        };
        let held = Arc::clone(&world);
        let payer = tokio::spawn(async move { match api.serve(held).await {} });
        let (end, ended) = oneshot::channel();
        let proxy = tokio::spawn(service.serve(async { drop(ended.await) }));
        Ok(Stage { world, addresses, settings, deployment, payer, end, proxy })
    }

    /// A token by which somebody is known.
    pub(super) fn token(&self, who: Who) -> io::Result<String> {
        self.deployment.token(who)
    }

    /// What the proxy has written down so far.
    pub(super) fn audit(&self) -> io::Result<String> {
        std::fs::read_to_string(self.deployment.audit_file())
    }

    /// Somebody asks, one request after the other.
    pub(super) async fn ask(&self, reader: Who, asks: &[Ask]) -> io::Result<Vec<Heard>> {
        ask_all(self.addresses.proxy, reader, self.token(reader)?, asks.to_vec(), false).await
    }

    /// Everybody asks the same and turns every page of it, all at the same time.
    pub(super) async fn everybody_asks(&self, asks: &[Ask]) -> io::Result<Vec<Heard>> {
        let mut asking = JoinSet::new();
        for reader in Who::ALL {
            let token = self.token(reader)?;
            asking.spawn(ask_all(self.addresses.proxy, reader, token, asks.to_vec(), true));
        }
        let mut heard = Vec::new();
        while let Some(one) = asking.join_next().await {
            heard.extend(one.map_err(io::Error::other)??);
        }
        Ok(heard)
    }

    /// Ends what was started.
    pub(super) async fn clear(self) {
        // Where it has ended by itself there is nobody left to tell.
        self.end.send(()).ok();
        self.proxy.await.ok();
        self.payer.abort();
    }
}

async fn ask_all(
    proxy: SocketAddr,
    reader: Who,
    token: String,
    asks: Vec<Ask>,
    turns_pages: bool,
) -> io::Result<Vec<Heard>> {
    let mut client = Client::connect(proxy, reader, token).await?;
    let mut heard = Vec::with_capacity(asks.len());
    for ask in asks {
        let mut next = Some(ask);
        while let Some(ask) = next {
            let answer = client.ask(&ask).await?;
            next = if turns_pages { answer.next(&proxy.to_string()) } else { None };
            heard.push(answer);
        }
    }
    Ok(heard)
}

/// That port of loopback if it is free, else any.
fn free_port(port: u16) -> io::Result<SocketAddr> {
    let there = std::net::TcpListener::bind(("127.0.0.1", port));
    there.or_else(|_| std::net::TcpListener::bind(("127.0.0.1", 0)))?.local_addr()
}

fn told(mistakes: &[Diagnostic]) -> io::Error {
    let text: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    io::Error::other(text.join("\n"))
}

fn tell(mistakes: &[Diagnostic]) {
    let mut stderr = io::stderr().lock();
    for mistake in mistakes {
        write!(stderr, "{mistake}").unwrap_or_default();
    }
}
