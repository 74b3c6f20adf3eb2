//! The generated upstream: a payer's API over sockets, with a world that can be exchanged.

use super::pair::World;
use super::payer::{Asked, Reply};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::net::TcpListener;

/// How an upstream goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The body ends half-way, and the connection with it.
    Truncated,
    /// A body that is no JSON.
    Garbled,
    /// Another content type than asked for.
    WrongType,
    /// An error page that quotes what it holds.
    Error,
    /// Says gzip, and is not.
    WrongCoding,
}

pub const FAULTS: [Fault; 5] =
    [Fault::Truncated, Fault::Garbled, Fault::WrongType, Fault::Error, Fault::WrongCoding];

/// One upstream.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    world: Arc<World>,
    fault: Option<Fault>,
    said: Vec<Reply>,
}

impl Upstream {
    pub async fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let upstream = Upstream { address, state: Arc::clone(&state) };
        tokio::spawn(async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else { continue };
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    socket.set_nodelay(true).ok();
                    let service = service_fn(move |request| respond(Arc::clone(&state), request));
                    let serving = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service);
                    drop(serving.await);
                });
            }
        });
        upstream
    }

    pub fn holds(&self, world: &Arc<World>) {
        self.state.lock().unwrap().world = Arc::clone(world);
    }

    pub fn breaks(&self, fault: Option<Fault>) {
        self.state.lock().unwrap().fault = fault;
    }

    /// What it said since it was last asked.
    pub fn said(&self) -> Vec<Reply> {
        std::mem::take(&mut self.state.lock().unwrap().said)
    }
}

async fn respond(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Chunks>, Infallible> {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or("none").to_owned();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let form = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let form = String::from_utf8_lossy(&form).into_owned();
    let (world, fault) = {
        let state = state.lock().unwrap();
        (Arc::clone(&state.world), state.fault)
    };
    let reply = world.answer(&Asked::read(&target, &form, &host));
    state.lock().unwrap().said.push(reply.clone());
    Ok(response(reply, fault))
}

fn response(mut reply: Reply, fault: Option<Fault>) -> Response<Chunks> {
    let mut chunks = vec![Ok(Bytes::from(reply.body.clone()))];
    match fault {
        None => {}
        Some(Fault::Truncated) => {
            let half = Bytes::from(reply.body.split_off(reply.body.len() / 2));
            let cut = std::io::Error::other("cut");
            chunks = vec![Ok(Bytes::from(reply.body.clone())), Err(cut)];
            drop(half);
            reply.chunked = true;
        }
        Some(Fault::Garbled) => {
            let mut body = reply.body.clone();
            body.extend_from_slice(b"} and \"so\" [on");
            chunks = vec![Ok(Bytes::from(body))];
        }
        Some(Fault::WrongType) => {
            reply.fields.retain(|(name, _)| *name != "Content-Type");
            let version = reply.fields[0].1.clone();
            reply.fields.push(("Content-Type", format!("text/html; of={version}")));
        }
        Some(Fault::Error) => reply.status = 500,
        Some(Fault::WrongCoding) => {
            reply.fields.retain(|(name, _)| *name != "Content-Encoding");
            reply.fields.push(("Content-Encoding", "gzip".to_owned()));
            chunks = vec![Ok(Bytes::from([reply.body.as_slice(), b"x"].concat()))];
        }
    }
    let chunked = reply.chunked || chunks.len() > 1;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.fields {
        response = response.header(*name, value);
    }
    response.body(Chunks { rest: chunks.into(), chunked }).unwrap()
}

/// A body in pieces that are all there already.
#[derive(Debug)]
struct Chunks {
    rest: VecDeque<Result<Bytes, std::io::Error>>,
    /// Whether its length is kept back.
    chunked: bool,
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(self.rest.pop_front().map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let bytes =
            self.rest.iter().flatten().map(|chunk| u64::try_from(chunk.len()).unwrap()).sum();
        if self.chunked { SizeHint::new() } else { SizeHint::with_exact(bytes) }
    }
}
