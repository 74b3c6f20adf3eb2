//! The kit: it passes us, and it can fail others.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use tokio::net::{TcpListener, TcpStream};

/// The demo at work: our proxy, the payer behind it, and a token each of mother and daughter.
struct Demo {
    child: Child,
    proxy: String,
    payer: String,
    mother: String,
    daughter: String,
}

impl Demo {
    fn start() -> Demo {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sequester"))
            .arg("demo")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
            lines.push(line.unwrap());
            if lines.last().unwrap().starts_with("Ctrl-C") {
                break;
            }
        }
        let after = |start: &str| {
            let line = lines.iter().find_map(|line| line.trim_start().strip_prefix(start));
            line.unwrap().trim().split(' ').next().unwrap().to_owned()
        };
        let (proxy, payer) = (after("the proxy "), after("the payer behind "));
        Demo { child, proxy, payer, mother: after("RUTH="), daughter: after("INGRID=") }
    }

    /// Exit code and sheet of a probe of that deployment.
    async fn probe(&self, target: &str) -> (Option<i32>, String) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", self.mother).unwrap();
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_sequester"))
            .args(["probe", "--target", target, "--control", "env:DAUGHTER", "--as"])
            .arg(file.path())
            .env("DAUGHTER", &self.daughter)
            .output()
            .await
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(errors, "");
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What somebody took for a solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// None: everything comes through.
    None,
    /// Hidden records are deleted from lists, and nothing else is done.
    Delete,
    /// An answer with anything hidden in it is forbidden.
    Forbid,
    /// Nobody gets any records.
    HideAll,
}

/// A proxy before the payer that takes this measure against the mother; its URL.
async fn other_proxy(demo: &Demo, measure: Measure) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let payer = demo.payer.trim_start_matches("http://").to_owned();
    let mother = format!("Bearer {}", demo.mother);
    tokio::spawn(async move {
        loop {
            let Ok((socket, _)) = listener.accept().await else { continue };
            let (payer, mother) = (payer.clone(), mother.clone());
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| {
                    let (payer, mother) = (payer.clone(), mother.clone());
                    async move {
                        let token = request.headers().get("authorization");
                        let is_mother = token.is_some_and(|token| token == mother.as_str());
                        let applies = is_mother || measure == Measure::HideAll;
                        let answer = forwarded(&payer, request).await;
                        let measure = if applies { measure } else { Measure::None };
                        Ok::<_, Infallible>(taken(measure, answer))
                    }
                });
                let serving = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service);
                drop(serving.await);
            });
        }
    });
    url
}

async fn forwarded(payer: &str, request: Request<Incoming>) -> Response<Bytes> {
    let socket = TcpStream::connect(payer).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    let (head, body) = request.into_parts();
    let body = Full::new(body.collect().await.unwrap().to_bytes());
    let answer = sender.send_request(Request::from_parts(head, body)).await.unwrap();
    let (mut head, body) = answer.into_parts();
    head.headers.remove("content-length");
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

fn taken(measure: Measure, answer: Response<Bytes>) -> Response<Full<Bytes>> {
    let (mut head, body) = answer.into_parts();
    let text = String::from_utf8_lossy(&body).into_owned();
    let of = |text: String| Full::new(Bytes::from(text));
    match measure {
        Measure::HideAll => Response::from_parts(head, of("{}".to_owned())),
        Measure::Forbid if is_hidden(&text) => {
            head.status = hyper::StatusCode::FORBIDDEN;
            Response::from_parts(head, of("{\"error\":\"forbidden\"}".to_owned()))
        }
        Measure::None | Measure::Forbid => Response::from_parts(head, Full::new(body)),
        Measure::Delete => {
            let text = match serde_json::from_str::<Value>(&text) {
                // A record by itself.
                Ok(value) if value.get("id").is_some() || value.get("claimId").is_some() => text,
                Ok(mut value) => {
                    delete(&mut value);
                    value.to_string()
                }
                Err(_) => {
                    let kept = text.lines().filter(|line| !is_hidden(line));
                    kept.map(|line| line.to_owned() + "\n").collect()
                }
            };
            if is_hidden(&text) {
                head.status = hyper::StatusCode::NOT_FOUND;
                return Response::from_parts(head, of("{\"error\":\"no such thing\"}".to_owned()));
            }
            Response::from_parts(head, of(text))
        }
    }
}

/// The kit marks what is hidden; somebody who hides it needs no better rule here.
fn is_hidden(text: &str) -> bool {
    text.contains("kitmark")
}

/// Deletes hidden records from lists; a family, a letter or a payment holds lists itself.
fn delete(value: &mut Value) {
    let Value::Object(members) = value else { return };
    for list in members.values_mut().filter_map(Value::as_array_mut) {
        let holds_lists =
            |one: &Value| ["lines", "sections", "claims"].iter().any(|key| one.get(key).is_some());
        list.retain(|one| {
            !is_hidden(&one.to_string()) || (holds_lists(one) && one.get("claimId").is_none())
        });
        list.iter_mut().filter(|one| holds_lists(one)).for_each(delete);
    }
}

fn failed(sheet: &str, ids: &str) -> bool {
    sheet.lines().any(|line| line.starts_with(&format!("FAIL  {ids} ")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_pass_and_others_fail() {
    let demo = Demo::start();
    let (code, sheet) = demo.probe(&demo.proxy).await;
    assert_eq!(code, Some(0), "{sheet}");
    assert!(!sheet.contains("FAIL"), "{sheet}");
    for (measure, tell) in [
        (Measure::None, vec!["T9 T19", "T10 C12 R7", "T11 C12", "T18 C13 F15", "C8 C23"]),
        (Measure::Delete, vec!["T1 T4 C2", "T1 T5 C2 C25", "T10 C12 R7", "T11 C12"]),
        (Measure::Forbid, vec!["T8 C15 R8 F17", "control"]),
        (Measure::HideAll, vec!["control T34", "control"]),
    ] {
        let (code, sheet) = demo.probe(&other_proxy(&demo, measure).await).await;
        assert_eq!(code, Some(1), "{measure:?}\n{sheet}");
        for ids in tell {
            assert!(failed(&sheet, ids), "{measure:?} passes {ids}\n{sheet}");
        }
        let kept = measure != Measure::Delete || !failed(&sheet, "T9 T19");
        assert!(kept, "who deletes records does delete them\n{sheet}");
    }
}

#[tokio::test]
async fn wrong_usage_is_told() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_sequester"))
            .arg("probe")
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let tokens = ["--as", "env:PATH", "--control", "env:PATH"];
    let (code, errors) = run(&["--target", "here"].into_iter().chain(tokens).collect::<Vec<_>>());
    assert_eq!(code, Some(2));
    assert!(errors.contains("`here` is no target"), "{errors}");
    let (code, errors) =
        run(&["--target", "http://127.0.0.1:1"].into_iter().chain(tokens).collect::<Vec<_>>());
    assert_eq!(code, Some(2));
    assert!(errors.contains("cannot be asked"), "{errors}");
    let secret = "eyJhbGciOiJ9.secret";
    let (code, errors) =
        run(&["--target", "http://127.0.0.1:1", "--as", secret, "--control", "env:PATH"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("--as: no such file") && !errors.contains(secret), "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_familys_payer_can_be_served_alone() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sequester"))
        .args(["demo", "--kit", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut told).unwrap();
    let payer = told.trim().rsplit("http://").next().unwrap().to_owned();
    let ask = |token: &'static str| {
        let payer = payer.clone();
        async move {
            let socket = TcpStream::connect(&payer).await.unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
            tokio::spawn(connection);
            let request = Request::get("/api/v1/family/C-1")
                .header("authorization", token)
                .body(Full::<Bytes>::default())
                .unwrap();
            sender.send_request(request).await.unwrap().status()
        }
    };
    assert_eq!(ask("Bearer anybody").await, 200);
    assert_eq!(ask("").await, 401);
    child.kill().unwrap();
    let mut members = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut members).unwrap();
    child.wait().unwrap();
    assert!(members.starts_with("member_id,contract_id,"), "{members}");
    assert!(members.contains("Patient/p-102"), "{members}");
}
