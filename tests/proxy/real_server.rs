//! The proxy in front of a real FHIR server: `sequester run` before the R4 server of
//! `tests/medplum` (npm `@medplum/fhir-router`), with a published patient of Synthea and a family
//! around her. What the server itself says is the truth that answers are held against.

#[expect(dead_code, reason = "shared; not all of it is needed here")]
#[path = "../real_bodies/raw.rs"]
mod raw;

use super::client::{Answer, ask, exchange, parse, request};
use super::deployment::{Files, yaml};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// The patient of the published bundle: a young adult with a major depression in her chart.
const PATIENT: &str = "8adf7251-257f-4b45-8ef5-0a6b3b9fe0ef";
const BUNDLE: &str = "tests/data/synthea-r4/Milan_Beatty_e78d0ed2-1b54-4c30-90ae-f7405af1e402.json";

const MEMBERS: &str = "member_id,contract_id,relationship,birth_date,state,ids
M-0,C-1,self,1973-04-02,OH,Patient/the-mother
M-1,C-1,spouse,1972-11-30,OH,Patient/the-father
M-2,C-1,child,2001-02-03,OH,Patient/8adf7251-257f-4b45-8ef5-0a6b3b9fe0ef
M-3,C-1,child,2003-06-01,OH,Patient/the-brother
M-9,C-9,self,1980-01-01,OH,Patient/a-stranger
";
const MOTHER: &str = "M-0";
const SELF: &str = "M-2";
const BROTHER: &str = "M-3";
const STRANGER: &str = "M-9";

/// What would tell of her illness, wherever it stands.
const TELLING: [&str; 9] = [
    "depress",
    "psych",
    "suicid",
    "mental",
    "phq",
    "selfharm",
    "self-harm",
    "therapist",
    "serotonin",
];

/// A program of the test, ended with it.
struct Program {
    _child: Child,
    address: SocketAddr,
}

/// Waits for the line that says where a program listens.
async fn started(command: &mut Command, says_on_stdout: bool) -> Program {
    command.kill_on_drop(true).current_dir(env!("CARGO_MANIFEST_DIR"));
    if says_on_stdout {
        command.stdout(Stdio::piped());
    } else {
        command.stderr(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    let out: Box<dyn AsyncRead + Unpin + Send> = if says_on_stdout {
        Box::new(child.stdout.take().unwrap())
    } else {
        Box::new(child.stderr.take().unwrap())
    };
    let mut lines = BufReader::new(out).lines();
    let line = tokio::time::timeout(Duration::from_mins(1), lines.next_line());
    let line = line.await.expect("no word within a minute").unwrap().unwrap_or_default();
    let address = line.rsplit("http://").next().unwrap();
    let address = address.parse().unwrap_or_else(|_| panic!("{line}"));
    // Whatever else it says is read, so that it never waits.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Program { _child: child, address }
}

/// The packages of the server, as its lock file has them.
pub(crate) async fn install() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/medplum");
    if folder.join("node_modules/@medplum/fhir-router").is_dir() {
        return;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder);
    let installed = npm.status().await.is_ok_and(|status| status.success());
    assert!(installed, "the FHIR server of this test cannot be installed: run tests/run");
}

/// The server, and the proxy before it.
struct Stage {
    server: Program,
    proxy: Program,
    /// The same with short pages.
    short: Program,
    files: Files,
}

impl Stage {
    async fn set() -> Stage {
        install().await;
        let mut node = Command::new("node");
        node.args(["tests/medplum/server.mjs", "0", BUNDLE, "tests/medplum/family.json"]);
        let server = started(&mut node, true).await;
        let files = Files::with_all_policies();
        files.write("members.csv", MEMBERS);
        files.write("look-ups.token", "rights-of-ours");
        let text = |limits: &str| {
            yaml(&format!("http://{}", server.address), &format!("limits: {{ {limits} }}"))
                .replace("  timeout:", "  look-ups: { token-file: look-ups.token }\n  timeout:")
                .replace("700ms", "20s")
                .replace("total: 2s", "total: 40s")
        };
        files.write("sequester.yaml", text("reader: []"));
        let short = text("page-records: 30, reader: []");
        files.write("short.yaml", short.replace("audit.jsonl", "short.jsonl"));
        let run = |settings: &str| {
            let mut run = Command::new(env!("CARGO_BIN_EXE_sequester"));
            run.args(["run", "--config"]).arg(files.path(settings));
            run
        };
        let proxy = started(&mut run("sequester.yaml"), false).await;
        let short = started(&mut run("short.yaml"), false).await;
        Stage { server, proxy, short, files }
    }

    /// What the server says to us who may see all, as the proxy would ask it.
    async fn truth(&self, target: &str) -> Answer {
        let told = ["X-Forwarded-Host: members.example", "X-Forwarded-Proto: https"];
        ask(self.server.address, &format!("GET {target}"), &told).await
    }

    async fn get(&self, member: &str, target: &str) -> Answer {
        ask(self.proxy.address, &format!("GET {target}"), &[&self.files.token(member)]).await
    }

    /// All pages of a search, each of at most twenty.
    async fn pages(&self, member: &str, target: &str) -> Vec<Answer> {
        let token = self.files.token(member);
        let mut next = Some(format!("{}&_count=20", target.replace("&_count=500", "")));
        let mut pages = Vec::new();
        while let Some(target) = next {
            let page = ask(self.short.address, &format!("GET {target}"), &[&token]).await;
            assert_eq!(page.status, 200, "{target}: {}", page.body);
            let url = json(&page)["link"][0]["url"].as_str().map(str::to_owned);
            next = url.map(|url| url.strip_prefix("https://members.example").unwrap().to_owned());
            pages.push(page);
        }
        pages
    }

    async fn head(&self, member: &str, target: &str) -> Answer {
        ask(self.proxy.address, &format!("HEAD {target}"), &[&self.files.token(member)]).await
    }

    async fn post(&self, member: &str, target: &str, form: &str) -> Answer {
        let fields = [
            self.files.token(member),
            "Content-Type: application/x-www-form-urlencoded".to_owned(),
            format!("Content-Length: {}", form.len()),
        ];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let sent = request(&format!("POST {target}"), &fields, form);
        parse(&exchange(self.proxy.address, &sent).await)
    }
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

/// The resources of a bundle, or the one resource.
fn resources(answer: &Answer) -> Vec<Value> {
    let body = json(answer);
    if body["resourceType"] != "Bundle" {
        return vec![body];
    }
    body["entry"].as_array().into_iter().flatten().map(|entry| entry["resource"].clone()).collect()
}

/// The bytes of each resource.
fn as_written(answer: &Answer) -> Vec<&str> {
    let Some(entries) = raw::member(&answer.body, "entry") else { return vec![&answer.body] };
    raw::elements(entries).into_iter().filter_map(|one| raw::member(one, "resource")).collect()
}

fn name(resource: &Value) -> String {
    format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
}

fn references(resource: &Value, found: &mut BTreeSet<String>) {
    match resource {
        Value::Array(elements) => elements.iter().for_each(|one| references(one, found)),
        Value::Object(members) => {
            found.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|one| references(one, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn tells(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    TELLING.into_iter().find(|word| text.contains(word))
}

/// Names of the patient's records that tell of her illness, with all that happened at the same
/// encounters: by their words and references alone.
fn sensitive(chart: &[Value]) -> BTreeSet<String> {
    let of = |resource: &Value| {
        let mut found = BTreeSet::new();
        references(resource, &mut found);
        found
    };
    let mut told: BTreeSet<String> =
        chart.iter().filter(|r| tells(&r.to_string()).is_some()).map(name).collect();
    loop {
        let before = told.len();
        let visits: BTreeSet<String> = chart
            .iter()
            .filter(|resource| {
                told.contains(&name(resource)) && resource["resourceType"] != "CarePlan"
            })
            .flat_map(|resource| of(resource).into_iter().chain([name(resource)]))
            .filter(|name| name.starts_with("Encounter/"))
            .collect();
        told.extend(chart.iter().filter(|r| !of(r).is_disjoint(&visits)).map(name));
        told.extend(visits);
        if told.len() == before {
            return told;
        }
    }
}

/// Nothing that tells of her illness is in an answer to somebody else, nor a name of a record
/// that does.
fn keeps_quiet(answer: &Answer, hidden: &BTreeSet<String>, what: &str) {
    assert_eq!(tells(&answer.body), None, "{what}");
    for name in hidden {
        let id = name.split('/').nth(1).unwrap();
        assert!(!answer.body.contains(id), "{what} names the hidden {name}");
    }
}

#[tokio::test]
async fn in_front_of_a_real_server_everyone_sees_what_is_theirs() {
    let stage = Stage::set().await;
    let everything = format!("/fhir/Patient/{PATIENT}/$everything");
    let chart = resources(&stage.truth(&everything).await);
    let hidden = sensitive(&chart);
    assert!(chart.len() > 200 && hidden.len() > 10, "{} of {}", hidden.len(), chart.len());
    the_mother_asks(&stage, &chart, &hidden).await;
    hidden_and_unknown_are_one(&stage, &hidden).await;
    the_patient_asks(&stage).await;
    the_brother_asks(&stage, &hidden).await;
    a_binary_goes_with_its_document(&stage).await;
    page_by_page_it_is_the_same(&stage, &hidden).await;
}

/// However short the pages are, the server's and ours: the same matches in the same order, each
/// with what comes along, byte for byte.
async fn page_by_page_it_is_the_same(stage: &Stage, hidden: &BTreeSet<String>) {
    let mut turned = 0;
    for member in [MOTHER, SELF] {
        for (target, _) in searches() {
            let whole = stage.get(member, &target).await;
            let kind = target.split(['/', '?']).nth(2).unwrap();
            let parts = |answer: &Answer| -> Vec<(String, String)> {
                let bytes = as_written(answer).into_iter().map(str::to_owned);
                resources(answer).iter().map(name).zip(bytes).collect()
            };
            let (mut matches, mut along) = (Vec::new(), BTreeSet::new());
            let pages = stage.pages(member, &target).await;
            for (number, page) in pages.iter().enumerate() {
                let (own, others): (Vec<_>, Vec<_>) =
                    parts(page).into_iter().partition(|(name, _)| name.starts_with(kind));
                assert!(own.len() == 20 || number + 1 == pages.len(), "{target}: a short page");
                if member == MOTHER {
                    keeps_quiet(page, hidden, &target);
                }
                matches.extend(own);
                along.extend(others);
            }
            let (own, others): (Vec<_>, Vec<_>) =
                parts(&whole).into_iter().partition(|(name, _)| name.starts_with(kind));
            assert_eq!(matches, own, "{member} {target}");
            assert_eq!(along, others.into_iter().collect(), "{member} {target}");
            turned += pages.len();
        }
    }
    assert!(turned > 25, "{turned} pages");
}

/// A Binary is searched for by the address that its document has for it.
async fn a_binary_goes_with_its_document(stage: &Stage) {
    let letter = "/fhir/Binary/letter-mother";
    let own = stage.get(MOTHER, letter).await;
    assert_eq!((own.status, &own.body), (200, &stage.truth(letter).await.body));
    let absent = stage.get(BROTHER, "/fhir/Binary/there-is-none").await;
    assert_eq!(absent.status, 404);
    for (reader, target) in [(BROTHER, letter), (MOTHER, "/fhir/Binary/letter-of-nobody")] {
        let answer = stage.get(reader, target).await;
        assert_eq!(answer.comparable(), absent.comparable(), "{target} read by {reader}");
    }
}

/// The searches of the story, and the least that the mother gets of each.
fn searches() -> Vec<(String, usize)> {
    let all = "_count=500";
    vec![
        (format!("/fhir/Patient?_id={PATIENT}"), 1),
        (format!("/fhir/Coverage?beneficiary=Patient/{PATIENT}"), 1),
        // In words alone, without a code that is known.
        (format!("/fhir/Goal?patient={PATIENT}&{all}"), 0),
        // Without their encounters: these are looked up.
        (format!("/fhir/Observation?patient={PATIENT}&{all}"), 120),
        (format!("/fhir/ExplanationOfBenefit?patient={PATIENT}&{all}"), 12),
        (format!("/fhir/Observation?patient={PATIENT}&_include=Observation:encounter&{all}"), 80),
        (
            format!(
                "/fhir/Encounter?patient={PATIENT}&_revinclude=Condition:encounter\
                 &_revinclude=Observation:encounter&_revinclude=ExplanationOfBenefit:encounter\
                 &_revinclude=Claim:encounter&{all}"
            ),
            100,
        ),
        (
            format!(
                "/fhir/ExplanationOfBenefit?patient={PATIENT}\
                 &_include=ExplanationOfBenefit:encounter&_include=ExplanationOfBenefit:claim\
                 &_include=ExplanationOfBenefit:provider&{all}"
            ),
            5,
        ),
        (format!("/fhir/Condition?patient={PATIENT}&_include=Condition:encounter&{all}"), 2),
    ]
}

async fn the_mother_asks(stage: &Stage, chart: &[Value], hidden: &BTreeSet<String>) {
    for (target, least) in searches() {
        let answer = stage.get(MOTHER, &target).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        assert_eq!(answer.field("content-type"), "application/fhir+json", "{target}");
        assert!(answer.whole && answer.field("etag").is_empty() && answer.field("link").is_empty());
        keeps_quiet(&answer, hidden, &target);
        let upstream: BTreeSet<String> =
            resources(&stage.truth(&target).await).iter().map(name).collect();
        let got: BTreeSet<String> = resources(&answer).iter().map(name).collect();
        assert!(got.is_subset(&upstream), "{target}");
        assert!(got.len() >= least, "{target}: {} of {}", got.len(), upstream.len());
        let body = json(&answer);
        let around: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert!(around.iter().all(|key| ["resourceType", "type", "entry"].contains(&key.as_str())));
        // The same search by POST is the same answer.
        let (path, form) = target.split_once('?').unwrap();
        let posted = stage.post(MOTHER, &format!("{path}/_search"), form).await;
        assert_eq!(posted.comparable(), answer.comparable(), "POST {target}");
        let head = stage.head(MOTHER, &target).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "HEAD {target}");
        assert_eq!(head.field("content-length"), answer.body.len().to_string());
    }
    let everything = format!("/fhir/Patient/{PATIENT}/$everything");
    let answer = stage.get(MOTHER, &everything).await;
    keeps_quiet(&answer, hidden, &everything);
    let harmless: BTreeSet<String> =
        chart.iter().map(name).filter(|name| !hidden.contains(name)).collect();
    let got: BTreeSet<String> = resources(&answer).iter().map(name).collect();
    let share = got.intersection(&harmless).count() * 100 / harmless.len();
    assert!(share >= 85, "{share} % of {} harmless records", harmless.len());
    let patient = stage.get(MOTHER, &format!("/fhir/Patient/{PATIENT}")).await;
    assert_eq!(json(&patient)["id"], PATIENT);
    for kept in ["address", "telecom", "text"] {
        assert!(json(&patient).get(kept).is_none(), "{kept}");
    }
    let refused =
        stage.get(MOTHER, &format!("/fhir/Condition?patient={PATIENT}&code=370143000")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("code") && !refused.body.contains("370143000"));
    let own = stage.get(MOTHER, "/fhir/Condition?patient=the-mother&code=F41.1").await;
    assert_eq!(
        resources(&own).iter().map(name).collect::<Vec<_>>(),
        ["Condition/condition-mother"]
    );
}

/// Hidden, absent, foreign: one 404, byte for byte.
async fn hidden_and_unknown_are_one(stage: &Stage, hidden: &BTreeSet<String>) {
    let absent = stage.get(MOTHER, "/fhir/Condition/there-is-none").await;
    assert_eq!(absent.status, 404);
    let foreign = ["/fhir/Patient/a-stranger", "/fhir/Patient/a-stranger/$everything"];
    let targets = hidden.iter().take(40).map(|name| format!("/fhir/{name}"));
    for target in targets.chain(foreign.map(str::to_owned)) {
        let answer = stage.get(MOTHER, &target).await;
        assert_eq!(answer.comparable(), absent.comparable(), "{target}");
        let head = stage.head(MOTHER, &target).await;
        assert_eq!((head.status, head.body.as_str()), (404, ""), "HEAD {target}");
    }
    // Nobody of the house: an id in a path is the 404, a search is empty.
    let by_stranger = stage.get(STRANGER, &format!("/fhir/Patient/{PATIENT}")).await;
    assert_eq!(by_stranger.comparable(), absent.comparable());
    for (target, _) in searches() {
        let answer = stage.get(STRANGER, &target).await;
        assert_eq!(answer.body, r#"{"resourceType":"Bundle","type":"searchset"}"#, "{target}");
    }
}

/// The patient sees all of her own, as the server wrote it.
async fn the_patient_asks(stage: &Stage) {
    let everything = format!("/fhir/Patient/{PATIENT}/$everything");
    let more = [(everything, 0), (format!("/fhir/Patient/{PATIENT}"), 0)];
    for (target, _) in searches().into_iter().chain(more) {
        let answer = stage.get(SELF, &target).await;
        let truth = stage.truth(&target).await;
        assert_eq!(answer.status, 200, "{target}");
        // What comes along stands behind the matches, in the order of names.
        let in_order = |answer: &Answer| {
            let mut named: Vec<(String, String)> = std::iter::zip(
                resources(answer).iter().map(name),
                as_written(answer).into_iter().map(str::to_owned),
            )
            .collect();
            let kind = target.split(['/', '?']).nth(2).unwrap();
            let is_match = |named: &(String, String)| named.0.starts_with(&format!("{kind}/"));
            let matches = named.iter().take_while(|named| is_match(named)).count();
            if !target.contains('$') {
                named[matches..].sort();
            }
            named
        };
        assert_eq!(in_order(&answer), in_order(&truth), "{target}");
    }
    let by_code =
        stage.get(SELF, &format!("/fhir/Condition?patient={PATIENT}&code=370143000")).await;
    assert_eq!(by_code.status, 200);
    let note = stage.get(SELF, &format!("/fhir/Patient/{PATIENT}/$everything")).await;
    assert!(note.field("sequester-withheld").is_empty(), "she has no psychotherapy notes here");
}

/// Brothers and sisters see nothing of each other.
async fn the_brother_asks(stage: &Stage, hidden: &BTreeSet<String>) {
    let absent = stage.get(BROTHER, "/fhir/Condition/there-is-none").await;
    for target in
        [format!("/fhir/Patient/{PATIENT}"), format!("/fhir/Patient/{PATIENT}/$everything")]
    {
        let answer = stage.get(BROTHER, &target).await;
        assert_eq!(answer.comparable(), absent.comparable(), "{target}");
    }
    for (target, _) in searches() {
        let answer = stage.get(BROTHER, &target).await;
        assert_eq!(answer.status, 200);
        keeps_quiet(&answer, hidden, &target);
        assert_eq!(answer.body, r#"{"resourceType":"Bundle","type":"searchset"}"#, "{target}");
    }
    let own = resources(&stage.get(BROTHER, "/fhir/Patient/the-brother/$everything").await);
    let own: BTreeSet<String> = own.iter().map(name).collect();
    for mine in ["Patient/the-brother", "Condition/condition-brother", "Immunization/shot-brother"]
    {
        assert!(own.contains(mine), "{mine}");
    }
}
