//! One connection to the server, over which all requests are sent as they come, and a breaker:
//! a server that is slow once is not waited for again before it has been quick twice.

use super::Away;
use super::request::Request;
use crate::config::meant::{self, Password, StoreAddress};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, Script,
    TlsCertificates,
};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Between two tries to reach it again.
const TRY_EVERY: Duration = Duration::from_millis(200);

/// How long connecting may take: not within a request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How often it must answer in time before it is asked again.
const GOOD_ANSWERS: usize = 2;

/// The server, here or away.
pub(super) struct Connection {
    client: Client,
    script: Script,
    timeout: Duration,
    /// None while it is away.
    here: Mutex<Option<MultiplexedConnection>>,
    lost: Notify,
}

/// The settings hold a password.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_here", &self.is_here()).finish_non_exhaustive()
    }
}

impl Connection {
    /// The error is words for an operator.
    pub(super) fn new(settings: &meant::Shared) -> Result<Connection, String> {
        let unusable = |why: &dyn fmt::Display| format!("the server of shared limits: {why}");
        let mut login = RedisConnectionInfo::default().set_db(i64::from(settings.address.database));
        if let Some(username) = &settings.username {
            login = login.set_username(username);
        }
        if let Some(password) = password(&settings.password)? {
            login = login.set_password(password);
        }
        let info = address(&settings.address).into_connection_info();
        let info = info.map_err(|error| unusable(&error))?.set_redis_settings(login);
        let client = if settings.address.tls {
            let root_cert = settings.authorities.as_deref().map(read).transpose()?;
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
        } else {
            Client::open(info)
        };
        Ok(Connection {
            client: client.map_err(|error| unusable(&error))?,
            script: Script::new(include_str!("charge.lua")),
            timeout: settings.timeout,
            here: Mutex::new(None),
            lost: Notify::new(),
        })
    }

    pub(super) fn is_here(&self) -> bool {
        self.connection().is_some()
    }

    /// Runs the script. A server that does not answer in time may have charged all the same.
    pub(super) async fn run(&self, request: &Request) -> Result<Vec<i64>, Away> {
        let mut connection = self.connection().ok_or(Away)?;
        let mut invocation = self.script.prepare_invoke();
        for key in &request.keys {
            invocation.key(key);
        }
        for argument in &request.arguments {
            invocation.arg(argument);
        }
        // By its hash; the whole of it where the server has lost it.
        let answer = timeout(self.timeout, invocation.invoke_async(&mut connection)).await;
        answer.map_err(|_| ()).and_then(|answer| answer.map_err(|_| ())).map_err(|()| {
            self.lose();
            Away
        })
    }

    /// Connects whenever it is away.
    pub(super) async fn stay(&self) {
        loop {
            if !self.is_here()
                && let Some(connection) = self.reach().await
            {
                *self.here.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
            }
            if self.is_here() {
                self.lost.notified().await;
            } else {
                sleep(TRY_EVERY).await;
            }
        }
    }

    /// A connection on which the server has answered in time, and has its script.
    async fn reach(&self) -> Option<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(CONNECT_TIMEOUT));
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connecting.await.ok()?;
        let load = redis::cmd("SCRIPT").arg("LOAD").arg(include_str!("charge.lua")).clone();
        load.query_async::<String>(&mut connection).await.ok()?;
        for _ in 0..GOOD_ANSWERS {
            let ping = redis::cmd("PING");
            timeout(self.timeout, ping.query_async::<String>(&mut connection)).await.ok()?.ok()?;
        }
        Some(connection)
    }

    fn lose(&self) {
        *self.here.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.lost.notify_one();
    }

    fn connection(&self) -> Option<MultiplexedConnection> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn address(address: &StoreAddress) -> ConnectionAddr {
    let (host, port) = (address.host.clone(), address.port);
    if address.tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    }
}

fn password(password: &Password) -> Result<Option<String>, String> {
    match password {
        Password::None => Ok(None),
        Password::File(path) => {
            let text = String::from_utf8(read(path)?).unwrap_or_default();
            let password = text.trim().to_owned();
            let is_there = !password.is_empty();
            is_there
                .then_some(Some(password))
                .ok_or_else(|| format!("{}: holds no password", path.display()))
        }
        Password::Environment(name) => std::env::var(name)
            .map(Some)
            .map_err(|_| format!("the environment variable `{name}` holds no password")),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
