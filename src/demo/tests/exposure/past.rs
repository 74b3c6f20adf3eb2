//! What was read of the old portal, and the stage on which it is asked again: the payer without
//! the proxy, and a deployment that names it.

use crate::cli;
use crate::demo::deployment::{Addresses, Deployment};
use crate::demo::family::Who;
use crate::demo::payer_api::PayerApi;
use crate::demo::walk;
use crate::demo::world::World;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The stage without the proxy: the payer, and a deployment that names it.
pub(super) struct Past {
    pub(super) world: Arc<World>,
    folder: tempfile::TempDir,
    settings: PathBuf,
    _deployment: Deployment,
    _payer: tokio::runtime::Runtime,
}

impl Past {
    pub(super) fn new() -> Past {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let world = Arc::new(World::on(today));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let api = runtime.block_on(PayerApi::bind(([127, 0, 0, 1], 0).into())).unwrap();
        let payer = api.address;
        let held = Arc::clone(&world);
        runtime.spawn(async move { match api.serve(held).await {} });
        let deployment = Deployment::prepare(today).unwrap();
        let nowhere = ([127, 0, 0, 1], 1).into();
        let addresses = Addresses { payer, proxy: nowhere, admin: ([127, 0, 0, 1], 2).into() };
        let settings = deployment.settings(addresses).unwrap();
        let folder = tempfile::tempdir().unwrap();
        Past { world, folder, settings, _deployment: deployment, _payer: runtime }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the command; its exit code, stdout and stderr.
    pub(super) fn exposure(&self, log: &Path, more: &[&str]) -> (u8, String, String) {
        let (state, settings) = (self.file("state"), &self.settings);
        let mut arguments: Vec<OsString> = vec!["sequester".into(), "exposure".into()];
        for (name, path) in [("--config", settings.as_path()), ("--state", &state), ("--log", log)]
        {
            arguments.extend([name.into(), path.into()]);
        }
        let usual = ["--rate", "100000/s", "--page-parameter", "_offset", "--fields", FIELDS];
        arguments.extend(usual.iter().chain(more).map(Into::into));
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut streams = cli::Streams {
            stdin: &mut std::io::empty(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            progress: true,
        };
        let exit = cli::run(arguments, &mut streams);
        (exit.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    pub(super) fn report(&self, log: &Path) -> Value {
        let (code, stdout, stderr) = self.exposure(log, &["--format", "json"]);
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }
}

/// Numbers that look random and are the same each time.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// A read of the past.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) who: Who,
    pub(super) target: String,
    pub(super) time: Timestamp,
}

/// What people asked the old portal for.
pub(super) fn targets(world: &World) -> Vec<String> {
    let asks = walk::requests(world);
    let mut targets: Vec<String> =
        asks.into_iter().filter(|ask| ask.form.is_none()).map(|ask| ask.target).collect();
    for who in Who::ALL {
        let (member, patient) = (who.person().member, who.patient());
        for from in [0, 9, 18] {
            targets.push(format!("/api/v1/members/{member}/claims?pageSize=9&cursor={from}"));
            targets.push(format!(
                "/fhir/ExplanationOfBenefit?patient={patient}&_count=7&_offset={from}"
            ));
        }
    }
    targets.push("/api/v1/family/C-1/claims".to_owned());
    targets
}

pub(super) fn reads(world: &World, count: usize) -> Vec<Read> {
    let targets = targets(world);
    let mut dice = Dice(7);
    let start: Timestamp = "2023-11-01T00:00:00Z".parse().unwrap();
    let read = |_| {
        let who = Who::ALL[dice.below(Who::ALL.len())];
        let target = targets[dice.below(targets.len())].clone();
        let minutes = i64::try_from(dice.below(3 * 365 * 24 * 60)).unwrap();
        Read { who, target, time: start.checked_add(minutes.minutes()).unwrap() }
    };
    (0..count).map(read).collect()
}

/// A line of the old portal's log. People are known by their member id or another name.
pub(super) fn line(read: &Read, number: usize) -> String {
    let user = match number % 2 {
        0 => read.who.person().member.to_owned(),
        _ => format!("Patient/{}", read.who.patient()),
    };
    let time = read.time.strftime("%d/%b/%Y:%H:%M:%S +0000");
    let target = &read.target;
    match number % 3 {
        0 => format!("10.0.0.7 - {user} [{time}] \"GET {target} HTTP/1.1\" 200 5120"),
        1 => format!(
            "::1 - {user} [{time}] \"GET {target} HTTP/2.0\" 200 - \"-\" \"an \\\"agent\\\"\""
        ),
        _ => {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            serde_json::json!({
                "who": {"sub": user}, "ts": read.time.to_string(), "verb": "GET",
                "path": path, "qs": query, "code": 200,
            })
            .to_string()
        }
    }
}

pub(super) const FIELDS: &str = "reader=who.sub,time=ts,method=verb,query=qs,status=code";

pub(super) fn write_log(past: &Past, name: &str, reads: &[Read]) -> PathBuf {
    let path = past.file(name);
    let mut text = String::new();
    for (number, read) in reads.iter().enumerate() {
        text.push_str(&line(read, number));
        text.push('\n');
    }
    fs::write(&path, text).unwrap();
    path
}

/// What the state holds, by request.
pub(super) fn kept(past: &Past) -> Vec<Value> {
    let text = fs::read_to_string(past.file("state")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}
