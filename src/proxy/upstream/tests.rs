//! A request that no byte was sent of, and what is sent instead.

use super::*;
use http_body_util::BodyExt;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const FORM: &str = "patient=p-102";

fn search() -> Request<RequestBody> {
    let mut request = Request::new(Full::new(Bytes::from_static(FORM.as_bytes())));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = "/fhir/Claim/_search".parse().unwrap();
    request.headers_mut().insert(HOST, HeaderValue::from_static("payer.example"));
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form);
    request
}

/// Reads one request and answers it.
fn answer(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(FORM.as_bytes()) {
        let mut some = [0; 1024];
        let count = socket.read(&mut some).unwrap();
        assert!(count > 0);
        read.extend_from_slice(&some[..count]);
    }
    socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    String::from_utf8(read).unwrap()
}

/// Closes its first connection when told, says so, and answers on a second.
fn serve(listener: &TcpListener, close: &Receiver<()>, closed: &Sender<()>) -> [String; 2] {
    let (mut socket, _) = listener.accept().unwrap();
    let first = answer(&mut socket);
    close.recv().unwrap();
    drop(socket);
    closed.send(()).unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    [first, answer(&mut socket)]
}

/// An upstream that closes its first connection when the first of the pair is told so, and says on
/// the second that it has; and its thread.
fn upstream() -> (Upstream, Sender<()>, Receiver<()>, JoinHandle<[String; 2]>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let ((close, told), (tell, closed)) = (channel(), channel());
    let serving = thread::spawn(move || serve(&listener, &told, &tell));
    let second = Duration::from_secs(5);
    let timeout = Timeout { connect: second, first_byte: second, idle: second, total: second };
    let settings = meant::Upstream {
        origin: meant::Origin { tls: false, host: at.ip().to_string(), port: at.port() },
        authorities: None,
        authorization: meant::Authorization::Nothing,
        look_ups_token: None,
        timeout,
    };
    (Upstream::new(&settings, None, Arc::default()).unwrap(), close, closed, serving)
}

/// A connection that an exchange was made on, which is closed while nobody here looks: it still
/// seems good.
async fn closed_after_one(
    upstream: &Upstream,
    close: &Sender<()>,
    closed: &Receiver<()>,
    since: Duration,
) -> Connection {
    let (response, mut connection) = upstream.exchange(search()).await.unwrap();
    response.into_body().collect().await.unwrap();
    connection.sender.ready().await.unwrap();
    close.send(()).unwrap();
    closed.recv().unwrap();
    thread::sleep(since);
    connection
}

#[tokio::test]
async fn what_was_not_sent_is_sent_as_it_was() {
    let (upstream, close, closed, serving) = upstream();
    let just_now = Duration::from_millis(20);
    let connection = closed_after_one(&upstream, &close, &closed, just_now).await;
    // It is seen that it is closed, after it was chosen.
    tokio::task::yield_now().await;
    let Err(Unsent::Entirely(unsent)) = upstream.send(connection, search()).await else {
        panic!("sent on a connection that is closed");
    };
    upstream.exchange(*unsent).await.unwrap();
    let [first, second] = serving.join().unwrap();
    assert!(second.starts_with("POST /fhir/Claim/_search HTTP/1.1\r\n"), "{second}");
    assert_eq!(second, first);
}

#[tokio::test]
async fn nobody_asks_on_a_connection_that_was_closed_long_ago() {
    let (upstream, close, closed, serving) = upstream();
    let connection = closed_after_one(&upstream, &close, &closed, Duration::ZERO).await;
    upstream.pool.keep(connection);
    thread::sleep(Duration::from_millis(150));
    upstream.exchange(search()).await.unwrap();
    let [first, second] = serving.join().unwrap();
    assert_eq!(second, first);
}

#[tokio::test]
async fn there_are_only_so_many_connections() {
    let (mut upstream, close, closed, serving) = upstream();
    upstream.pool = Arc::new(Pool::new(1));
    let (response, connection) = upstream.exchange(search()).await.unwrap();
    assert_eq!(upstream.exchange(search()).await.unwrap_err(), UpstreamFault::TooMany);
    drop((response, connection));
    close.send(()).unwrap();
    closed.recv().unwrap();
    upstream.exchange(search()).await.unwrap();
    serving.join().unwrap();
}
