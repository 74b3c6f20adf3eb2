//! Look-ups: lists without what would tell, judged by what the upstream says when it is asked.

use super::client::{Answer, ask};
use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, yaml};
use super::upstream::{Step, Upstream, good, headed, raw};
use std::collections::BTreeMap;
use std::time::Duration;

const FHIR: &str = "application/fhir+json";
const TOKEN: &str = "rights-of-ours";

/// The brother: a dependent, to whom nothing of others is shown.
const BROTHER: &str = "M-103";
const FATHER: &str = "M-101";

const SHAPE: &str = "
shape: fhir
base: /fhir
dialect: fhir
errors: operation-outcome
when-empty: omit
routes:
  - { GET: '/{type}', body: search }
  - { GET: '/{type}/{id}', body: resource }
  - { GET: '/export/{file}', body: ndjson, judge: stream }
envelope: [$.resourceType, $.type]
query: { open: [patient] }
records: [{ cut: '$.entry[*]', record: $.resource, kind: $.resourceType }]
kinds:
  Patient: { subject: $, elements: { birthDate: date } }
  ExplanationOfBenefit:
    subject: $.patient
    episode: ['$.item[*].encounter[*]', $.claim]
    evidence: ['$.diagnosis[*].diagnosisReference', $.provider]
    resolve:
      - { link: '$.item[*].encounter[*]', get: '/Encounter/{id}' }
      - { link: $.claim, get: '/Claim/{id}' }
      - { link: '$.diagnosis[*].diagnosisReference', get: '/Condition/{id}' }
      - { link: $.provider, get: '/{type}/{id}' }
    clinical: ['$.diagnosis[*]']
    elements:
      patient!: Reference Patient
      provider: Reference Practitioner|Organization
      claim: Reference Claim
      diagnosis: { diagnosisReference: Reference Condition, diagnosisCodeableConcept: CodeableConcept }
      item: { encounter: Reference Encounter }
  Claim:
    subject: $.patient
    episode: ['$.item[*].encounter[*]', '$.related[*].claim']
    resolve:
      - { link: '$.item[*].encounter[*]', get: '/Encounter/{id}' }
      - { link: '$.related[*].claim', get: '/Claim/{id}' }
    elements:
      patient!: Reference Patient
      item: { encounter: Reference Encounter }
      related: { claim: Reference Claim }
  Encounter:
    subject: $.subject
    evidence: ['$.diagnosis[*].condition', '$.participant[*].individual']
    resolve:
      - { link: '$.diagnosis[*].condition', get: '/Condition/{id}' }
      - { link: '$.participant[*].individual', get: '/{type}/{id}' }
    clinical: ['$.type[*]']
    elements:
      subject: Reference Patient
      type: CodeableConcept
      diagnosis: { condition!: Reference Condition }
      participant: { individual: Reference Practitioner }
  Condition:
    subject: $.subject
    episode: [$.encounter]
    resolve: [{ link: $.encounter, get: '/Encounter/{id}' }]
    clinical: [$.code]
    needs: codes
    elements: { subject!: Reference Patient, code: CodeableConcept, encounter: Reference Encounter }
  Practitioner:
    belongs: public
    clinical: ['$.qualification[*].code']
    elements: { qualification: { code: CodeableConcept } }
  Organization: { belongs: public, elements: { name: string } }
  Binary:
    belongs: attached
    owner: { kind: DocumentReference, at: '$.content[*].attachment.url', get: '/DocumentReference?location={name}' }
    fields: [{ at: $.data, category: free-text }]
    elements: { contentType!: code, data: base64Binary }
  DocumentReference:
    subject: $.subject
    episode: ['$.context.encounter[*]']
    resolve: [{ link: '$.context.encounter[*]', get: '/Encounter/{id}' }]
    fields: [{ at: '$.content[*].attachment.url', category: free-text }]
    elements:
      subject: Reference Patient
      content!: { attachment!: Attachment }
      context: { encounter: Reference Encounter }
types:
  CodeableConcept: { coding: Coding, text: string }
  Coding: { system: uri, code: code, display: string }
  Reference: { reference: string, display: string }
  Meta: { versionId: id }
  Attachment: { contentType: code, url: url }
  Narrative: { div: xhtml }
  Extension: { url: uri }
";

const HARMLESS: &str =
    r#"{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"J10"}]}"#;
const TELLING: &str =
    r#"{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F33.1"}]}"#;

fn eob(id: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{{"reference":"Patient/p-102"}}{more}}}"#
    )
}

fn at_visit(id: &str, visit: &str) -> String {
    eob(id, &format!(r#","item":[{{"encounter":[{{"reference":"{visit}"}}]}}]"#))
}

fn visit(id: &str, patient: &str, code: &str) -> String {
    format!(
        r#"{{"resourceType":"Encounter","id":"{id}","subject":{{"reference":"Patient/{patient}"}},"type":[{code}]}}"#
    )
}

/// The same record with more members.
fn and(record: &str, members: &str) -> String {
    format!("{}{members}}}", record.strip_suffix('}').unwrap())
}

fn list(records: &[String]) -> String {
    let entries: Vec<String> =
        records.iter().map(|record| format!(r#"{{"resource":{record}}}"#)).collect();
    format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, entries.join(","))
}

/// What an upstream holds, by target.
#[derive(Default)]
struct World(BTreeMap<String, Vec<Step>>);

impl World {
    fn with(mut self, target: &str, body: &str) -> World {
        self.0.insert(target.to_owned(), good(FHIR, body));
        self
    }

    fn by(mut self, target: &str, script: Vec<Step>) -> World {
        self.0.insert(target.to_owned(), script);
        self
    }

    /// Somebody of the family of whom a house has nothing but what is asked for by name.
    fn alone(mut self, member: &str) -> World {
        for list in ["claims?pageSize=100", "prescriptions", "authorizations"] {
            let name = list.split('?').next().unwrap();
            let target = format!("/api/v1/members/{member}/{list}");
            let nothing = good("application/json", &format!(r#"{{"{name}":[]}}"#));
            self.0.entry(target).or_insert(nothing);
        }
        for name in ["messages", "letters", "payments"] {
            let target = format!("/api/v1/family/C-1/{name}?pageSize=100");
            let nothing = good("application/json", &format!(r#"{{"{name}":[]}}"#));
            self.0.entry(target).or_insert(nothing);
        }
        self
    }

    async fn upstream(self) -> Upstream {
        Upstream::answering(move |request| {
            let target = request.split(' ').nth(1).unwrap();
            self.0.get(target).cloned().unwrap_or_else(|| status(404))
        })
        .await
    }
}

fn status(status: u16) -> Vec<Step> {
    vec![
        Step::Send(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").into_bytes()),
        Step::Again,
    ]
}

fn files() -> Files {
    let files = Files::new();
    files.write("policies/shapes/fhir.yaml", SHAPE);
    files.write("look-ups.token", TOKEN);
    files
}

async fn looking_up(upstream: &Upstream) -> Deployment {
    looking_up_by(upstream, files()).await
}

async fn looking_up_by(upstream: &Upstream, files: Files) -> Deployment {
    let text = yaml(&upstream.url(), "").replace(
        "  timeout:",
        "  authorization: reader\n  look-ups: { token-file: look-ups.token }\n  timeout:",
    );
    files.start(&text).await
}

const EOBS: &str = "/fhir/ExplanationOfBenefit?patient=p-102";

/// Ids of EOBs in an answer, in order.
fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body.split(r#"ExplanationOfBenefit","id":""#).skip(1).map(id_of).collect()
}

fn id_of(rest: &str) -> String {
    rest.split('"').next().unwrap().to_owned()
}

/// How often the upstream was asked for that.
fn asked(upstream: &Upstream, target: &str) -> usize {
    let line = format!("GET {target} ");
    upstream.requests().iter().filter(|request| request.starts_with(&line)).count()
}

/// What the mother sees of a list of these, with what the upstream holds besides.
async fn seen(world: World, eobs: &[String]) -> Vec<String> {
    let upstream =
        world.with("/fhir/ExplanationOfBenefit?patient=p-102", &list(eobs)).upstream().await;
    let deployment = looking_up(&upstream).await;
    ids(&deployment.get(MOTHER, EOBS).await)
}

fn two_visits() -> World {
    World::default()
        .with("/fhir/Encounter/flu", &visit("flu", "p-102", HARMLESS))
        .with("/fhir/Encounter/talk", &visit("talk", "p-102", TELLING))
}

#[tokio::test]
async fn a_list_without_its_visits_is_judged_by_them() {
    let eobs = [at_visit("e1", "Encounter/talk"), at_visit("e2", "Encounter/flu")];
    assert_eq!(seen(two_visits(), &eobs).await, ["e2"]);
}

#[tokio::test]
async fn without_rights_nothing_is_looked_up_and_all_of_it_hides() {
    let body = list(&[at_visit("e1", "Encounter/talk"), at_visit("e2", "Encounter/flu")]);
    let upstream = two_visits().with(EOBS, &body).upstream().await;
    let deployment = files().start(&yaml(&upstream.url(), "")).await;
    assert!(ids(&deployment.get(MOTHER, EOBS).await).is_empty());
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn rights_are_ours_and_nothing_but_an_id_is_asked() {
    let eobs = [
        at_visit("e1", "Encounter/flu"),
        at_visit("e2", "https://members.example/fhir/Encounter/flu/_history/2"),
        at_visit("e3", "https://elsewhere.example/fhir/Encounter/flu"),
        at_visit("e4", "Claim/../Encounter/flu"),
        at_visit("e5", "Encounter/.."),
        at_visit("e6", "Encounter/flu?_summary=true"),
        at_visit("e7", "Encounter/fl%75"),
        at_visit("e8", "Encounter/flu x"),
        at_visit("e9", "Claim/flu"),
        at_visit("e10", &format!("Encounter/{}", "x".repeat(65))),
    ];
    let upstream = two_visits().with(EOBS, &list(&eobs)).upstream().await;
    let deployment = looking_up(&upstream).await;
    assert_eq!(ids(&deployment.get(MOTHER, EOBS).await), ["e1", "e2"]);
    let requests = upstream.requests();
    let targets: Vec<&str> = requests.iter().map(|r| r.split(' ').nth(1).unwrap()).collect();
    assert_eq!(targets, [EOBS, "/fhir/Encounter/flu"]);
    let bearer = |request: &str| {
        let line = request.lines().find(|line| line.to_lowercase().starts_with("authorization"));
        line.unwrap().split(' ').nth(2).unwrap().to_owned()
    };
    assert_eq!(bearer(&requests[1]), TOKEN);
    assert_ne!(bearer(&requests[0]), TOKEN);
    assert!(requests[1].contains("ccept: application/fhir+json"));
}

#[tokio::test]
async fn what_fails_hides_and_nothing_else_does() {
    let flu = visit("flu", "p-102", HARMLESS);
    let large = and(&flu, &format!(r#","text":"{}""#, "x".repeat(1024 * 1024)));
    let scripts: Vec<(&str, Vec<Step>)> = vec![
        ("absent", status(404)),
        ("forbidden", status(403)),
        ("broken", status(500)),
        ("no rights", status(401)),
        ("hangs", vec![Step::Hang]),
        (
            "cut",
            headed(
                "HTTP/1.1 200 OK\nContent-Type: application/fhir+json\nContent-Length: 900",
                flu.as_bytes(),
            ),
        ),
        ("no http", raw("what?\n\n")),
        ("another record", good(FHIR, &visit("other", "p-102", HARMLESS))),
        ("another type", good(FHIR, &flu.replace("Encounter", "Condition"))),
        ("of somebody else", good(FHIR, &visit("flu", "p-100", HARMLESS))),
        ("of nobody known", good(FHIR, &visit("flu", "p-999", HARMLESS))),
        ("a list", good(FHIR, &list(std::slice::from_ref(&flu)))),
        ("no json", good(FHIR, "{")),
        ("of another type", good("text/html", &flu)),
        ("oversize", good(FHIR, &large)),
    ];
    for (what, script) in scripts {
        let eobs =
            [at_visit("e1", "Encounter/flu"), at_visit("e2", "Encounter/cold"), eob("e3", "")];
        let world = World::default()
            .with("/fhir/Encounter/cold", &visit("cold", "p-102", HARMLESS))
            .by("/fhir/Encounter/flu", script);
        assert_eq!(seen(world, &eobs).await, ["e2", "e3"], "{what}");
    }
}

#[tokio::test]
async fn a_chain_is_followed_and_one_that_ends_out_of_sight_hides() {
    let by_claim =
        |id: &str, claim: &str| eob(id, &format!(r#","claim":{{"reference":"Claim/{claim}"}}"#));
    let claim = |id: &str, more: &str| {
        format!(
            r#"{{"resourceType":"Claim","id":"{id}","patient":{{"reference":"Patient/p-102"}}{more}}}"#
        )
    };
    let of_visit =
        |visit: &str| format!(r#","item":[{{"encounter":[{{"reference":"Encounter/{visit}"}}]}}]"#);
    let related = |to: &str| format!(r#","related":[{{"claim":{{"reference":"Claim/{to}"}}}}]"#);
    let with_diagnosis = |id: &str, condition: &str| {
        let more =
            format!(r#","diagnosis":[{{"condition":{{"reference":"Condition/{condition}"}}}}]"#);
        and(&visit(id, "p-102", HARMLESS), &more)
    };
    let condition = |id: &str, code: &str| {
        format!(
            r#"{{"resourceType":"Condition","id":"{id}","subject":{{"reference":"Patient/p-102"}},"code":{code},"encounter":{{"reference":"Encounter/long-ago"}}}}"#
        )
    };
    let eobs = [
        by_claim("flu", "flu"),
        by_claim("talk", "talk"),
        by_claim("lost", "lost"),
        by_claim("alone", "alone"),
        by_claim("deep", "1"),
        by_claim("too-deep", "0"),
        at_visit("flu-diagnosed", "Encounter/diagnosed-flu"),
        at_visit("sad-diagnosed", "Encounter/diagnosed-sad"),
        at_visit("lost-diagnosed", "Encounter/diagnosed-lost"),
    ];
    let world = two_visits()
        .with("/fhir/Claim/flu", &claim("flu", &of_visit("flu")))
        .with("/fhir/Claim/talk", &claim("talk", &of_visit("talk")))
        .with("/fhir/Claim/lost", &claim("lost", &of_visit("lost")))
        .with("/fhir/Claim/alone", &claim("alone", ""))
        .with("/fhir/Claim/0", &claim("0", &related("1")))
        .with("/fhir/Claim/1", &claim("1", &related("2")))
        .with("/fhir/Claim/2", &claim("2", &related("3")))
        .with("/fhir/Claim/3", &claim("3", ""))
        .with("/fhir/Encounter/diagnosed-flu", &with_diagnosis("diagnosed-flu", "flu"))
        .with("/fhir/Encounter/diagnosed-sad", &with_diagnosis("diagnosed-sad", "sad"))
        .with("/fhir/Encounter/diagnosed-lost", &with_diagnosis("diagnosed-lost", "lost"))
        .with("/fhir/Condition/flu", &condition("flu", HARMLESS))
        .with("/fhir/Condition/sad", &condition("sad", TELLING));
    assert_eq!(seen(world, &eobs).await, ["flu", "alone", "deep", "flu-diagnosed"]);
}

#[tokio::test]
async fn a_provider_tells_and_a_silent_one_hides_nothing() {
    let by =
        |id: &str, provider: &str| eob(id, &format!(r#","provider":{{"reference":"{provider}"}}"#));
    let eobs = [
        by("talk", "Practitioner/psychologist"),
        by("feet", "Practitioner/podiatrist"),
        by("lost", "Practitioner/lost"),
        by("house", "Organization/house"),
        eob("unnamed", r#","provider":{"identifier":{"value":"1234567893"}}"#),
        at_visit("seen-by", "Encounter/with-psychologist"),
    ];
    let practitioner = |id: &str, code: &str| {
        format!(
            r#"{{"resourceType":"Practitioner","id":"{id}","qualification":[{{"code":{{"coding":[{{"system":"http://nucc.org/provider-taxonomy","code":"{code}"}}]}}}}]}}"#
        )
    };
    let flu = visit("with-psychologist", "p-102", HARMLESS);
    let with = r#","participant":[{"individual":{"reference":"Practitioner/psychologist"}}]"#;
    let files = files();
    files.write(
        "policies/codes/nucc.csv",
        "system,code_or_range,category,subcategory,reach,from,until,source,note\n\
         NUCC,103T*,mental-health,,episode,,,t,\n",
    );
    let world = World::default()
        .with(EOBS, &list(&eobs))
        .with("/fhir/Practitioner/psychologist", &practitioner("psychologist", "103T00000X"))
        .with("/fhir/Practitioner/podiatrist", &practitioner("podiatrist", "213E00000X"))
        .with(
            "/fhir/Organization/house",
            r#"{"resourceType":"Organization","id":"house","name":"House of Depression"}"#,
        )
        .with("/fhir/Encounter/with-psychologist", &and(&flu, with));
    let upstream = world.upstream().await;
    let text = yaml(&upstream.url(), "")
        .replace("  timeout:", "  look-ups: { token-file: look-ups.token }\n  timeout:");
    let deployment = files.start(&text).await;
    let seen = ids(&deployment.get(MOTHER, EOBS).await);
    assert_eq!(seen, ["feet", "lost", "unnamed"]);
}

#[tokio::test]
async fn an_answer_is_shared_between_readers_and_shows_none_what_is_not_theirs() {
    let body = list(&[at_visit("e1", "Encounter/talk"), at_visit("e2", "Encounter/flu")]);
    let upstream = two_visits().with(EOBS, &body).upstream().await;
    let deployment = looking_up(&upstream).await;
    // Somebody to whom nothing can become visible asks for nothing, nor does she herself.
    assert!(ids(&deployment.get(BROTHER, EOBS).await).is_empty());
    assert_eq!(ids(&deployment.get(DAUGHTER, EOBS).await), ["e1", "e2"]);
    assert_eq!(asked(&upstream, "/fhir/Encounter/talk"), 0);
    for reader in [MOTHER, FATHER, MOTHER] {
        assert_eq!(ids(&deployment.get(reader, EOBS).await), ["e2"], "{reader}");
    }
    assert!(ids(&deployment.get(BROTHER, EOBS).await).is_empty());
    assert_eq!(asked(&upstream, "/fhir/Encounter/talk"), 1);
    assert_eq!(asked(&upstream, "/fhir/Encounter/flu"), 1);
}

#[tokio::test]
async fn what_failed_is_asked_again() {
    let body = list(&[at_visit("e1", "Encounter/flu")]);
    let upstream =
        World::default().by("/fhir/Encounter/flu", status(500)).with(EOBS, &body).upstream().await;
    let deployment = looking_up(&upstream).await;
    for _ in 0..2 {
        assert!(ids(&deployment.get(MOTHER, EOBS).await).is_empty());
    }
    assert_eq!(asked(&upstream, "/fhir/Encounter/flu"), 2);
    let finding = deployment.files.audit()[0]["findings"]["look-up-failed"].clone();
    assert_eq!(finding, 1);
}

#[tokio::test]
async fn equal_ones_under_way_are_one() {
    let flu = visit("flu", "p-102", HARMLESS);
    let mut slow = vec![Step::Wait(Duration::from_millis(300))];
    slow.extend(good(FHIR, &flu));
    let body = list(&[at_visit("e1", "Encounter/flu"), at_visit("e2", "Encounter/flu")]);
    let upstream =
        World::default().by("/fhir/Encounter/flu", slow).with(EOBS, &body).upstream().await;
    let deployment = looking_up(&upstream).await;
    let (mother, father, again) = tokio::join!(
        deployment.get(MOTHER, EOBS),
        deployment.get(FATHER, EOBS),
        deployment.get(MOTHER, EOBS)
    );
    for answer in [mother, father, again] {
        assert_eq!(ids(&answer), ["e1", "e2"]);
    }
    assert_eq!(asked(&upstream, "/fhir/Encounter/flu"), 1);
}

#[tokio::test]
async fn another_policy_set_begins_anew() {
    let body = list(&[at_visit("e1", "Encounter/flu")]);
    let upstream = two_visits().with(EOBS, &body).upstream().await;
    let deployment = looking_up(&upstream).await;
    assert_eq!(ids(&deployment.get(MOTHER, EOBS).await), ["e1"]);
    let codes = "system,code_or_range,category,subcategory,reach,from,until,source,note\n\
                 ICD-10-CM,J10,mental-health,,episode,,,t,\n";
    deployment.files.write("policies/codes/more.csv", codes);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if ids(&deployment.get(MOTHER, EOBS).await).is_empty() {
            assert_eq!(asked(&upstream, "/fhir/Encounter/flu"), 2);
            return;
        }
    }
    panic!("the flu is still what it was");
}

#[tokio::test]
async fn a_record_may_ask_for_so_much_and_takes_nothing_from_others() {
    let visits: Vec<String> =
        (0..70).map(|number| format!(r#"{{"reference":"Encounter/v{number}"}}"#)).collect();
    let many =
        |count: usize| format!(r#","item":[{{"encounter":[{}]}}]"#, visits[..count].join(","));
    let eobs =
        [eob("too-many", &many(70)), eob("many", &many(64)), at_visit("one", "Encounter/v0")];
    let mut world = World::default();
    for number in 0..70 {
        let body = visit(&format!("v{number}"), "p-102", HARMLESS);
        world = world.with(&format!("/fhir/Encounter/v{number}"), &body);
    }
    assert_eq!(seen(world, &eobs).await, ["many", "one"]);
}

#[tokio::test]
async fn each_line_of_a_stream_is_judged_by_what_is_looked_up() {
    const LINES: usize = 3000;
    let lines: Vec<String> = (0..LINES)
        .map(|number| {
            let visit = ["Encounter/flu", "Encounter/talk", "Encounter/lost"][number % 3];
            at_visit(&format!("e{number}"), visit)
        })
        .collect();
    let body = lines.join("\n");
    let stream = good("application/fhir+ndjson", &body);
    let upstream = two_visits().by("/fhir/export/eob.ndjson", stream).upstream().await;
    let deployment = looking_up(&upstream).await;
    let answer = deployment.get(MOTHER, "/fhir/export/eob.ndjson").await;
    assert!(answer.whole);
    let expected: Vec<String> = (0..LINES).step_by(3).map(|number| format!("e{number}")).collect();
    assert_eq!(ids(&answer), expected);
    let own = deployment.get(DAUGHTER, "/fhir/export/eob.ndjson").await;
    assert_eq!(own.body.trim_end(), body);
    assert_eq!(asked(&upstream, "/fhir/Encounter/flu"), 1);
}

#[tokio::test]
async fn a_single_record_is_judged_by_what_is_looked_up() {
    let upstream = two_visits()
        .with("/fhir/ExplanationOfBenefit/e1", &at_visit("e1", "Encounter/talk"))
        .with("/fhir/ExplanationOfBenefit/e2", &at_visit("e2", "Encounter/flu"))
        .upstream()
        .await;
    let deployment = looking_up(&upstream).await;
    assert_eq!(ids(&deployment.get(MOTHER, "/fhir/ExplanationOfBenefit/e2").await), ["e2"]);
    let hidden = deployment.get(MOTHER, "/fhir/ExplanationOfBenefit/e1").await;
    let absent = deployment.get(MOTHER, "/fhir/ExplanationOfBenefit/e9").await;
    assert_eq!(hidden.comparable(), absent.comparable());
}

/// Where the documents are searched for that a Binary belongs to.
fn owners(id: &str) -> String {
    format!(
        "/fhir/DocumentReference?location=Binary%2F{id},https%3A%2F%2Fmembers.example%2Ffhir%2FBinary%2F{id}"
    )
}

fn document(id: &str, patient: &str, url: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"DocumentReference","id":"{id}","subject":{{"reference":"Patient/{patient}"}},"content":[{{"attachment":{{"url":"{url}"}}}}]{more}}}"#
    )
}

const CHILD: &str = "p-104";

fn binary(id: &str) -> String {
    format!(
        r#" {{ "resourceType": "Binary", "id":"{id}","contentType" : "text/plain","data":"bm90ZQ==" }}
"#
    )
}

/// A Binary, the documents that are found for it, and whether the mother and the daughter may
/// read it.
type Belonging = (&'static str, Vec<String>, bool, bool);

fn belongings() -> Vec<Belonging> {
    let of = |patient: &str, url: &str| document("d", patient, url, "");
    let childs = |url: &str| vec![of(CHILD, url)];
    let at_visit = r#","context":{"encounter":[{"reference":"Encounter/childs"}]}"#;
    let both = vec![of(CHILD, "Binary/both"), document("d2", "p-102", "Binary/both", "")];
    vec![
        ("childs", childs("Binary/childs"), true, false),
        ("daughters", vec![of("p-102", "Binary/daughters")], false, true),
        ("full", childs("https://members.example/fhir/Binary/full"), true, false),
        ("visited", vec![document("d", CHILD, "Binary/visited", at_visit)], true, false),
        ("elsewhere", childs("https://x.example/fhir/Binary/elsewhere"), false, false),
        ("another", childs("Binary/other"), false, false),
        ("nobodys", vec![], false, false),
        ("strangers", vec![of("p-999", "Binary/strangers")], false, false),
        ("both", both, false, false),
        ("mothers", vec![of("p-100", "Binary/mothers")], true, false),
    ]
}

#[tokio::test]
async fn a_binary_is_judged_as_the_documents_it_belongs_to() {
    let mut world =
        World::default().with("/fhir/Encounter/childs", &visit("childs", CHILD, TELLING));
    for (id, documents, ..) in &belongings() {
        world = world.with(&format!("/fhir/Binary/{id}"), &binary(id));
        world = world.with(&owners(id), &list(documents));
    }
    let upstream = world.upstream().await;
    let deployment = looking_up(&upstream).await;
    let absent = deployment.get(MOTHER, "/fhir/Binary/absent").await;
    assert_eq!(absent.status, 404);
    for (id, _, to_mother, to_daughter) in belongings() {
        for (reader, may) in [(MOTHER, to_mother), (DAUGHTER, to_daughter)] {
            let answer = deployment.get(reader, &format!("/fhir/Binary/{id}")).await;
            if may {
                assert_eq!(answer.body, binary(id), "{id}");
                assert_eq!(answer.field("content-type"), FHIR);
            } else {
                assert_eq!(answer.comparable(), absent.comparable(), "{id} read by {reader}");
            }
        }
    }
    let released: Vec<u64> =
        deployment.files.audit().iter().filter_map(|line| line["released"].as_u64()).collect();
    assert!(released.iter().all(|count| *count <= 1), "{released:?}");
}

#[tokio::test]
async fn a_binary_whose_documents_cannot_be_told_stays() {
    let found = |id: &str| list(&[document("d", CHILD, &format!("Binary/{id}"), "")]);
    let next = r#"{"link":[{"relation":"next","url":"x"}],"#;
    let upstream = World::default()
        .with("/fhir/Binary/paged", &binary("paged"))
        .with(&owners("paged"), &found("paged").replacen('{', next, 1))
        .with("/fhir/Binary/broken", &binary("broken"))
        .by(&owners("broken"), status(500))
        .with("/fhir/Binary/wrong", &binary("other"))
        .with(&owners("wrong"), &found("wrong"))
        .with("/fhir/Binary/partial", &binary("partial"))
        .with(&owners("partial"), &found("partial").replacen('{', r#"{"total":2,"#, 1))
        .with("/fhir/Binary/spliced", &format!("{}}},{{\"resource\":{{}}", binary("spliced")))
        .with(&owners("spliced"), &found("spliced"))
        .upstream()
        .await;
    let deployment = looking_up(&upstream).await;
    let absent = deployment.get(MOTHER, "/fhir/Binary/absent").await;
    for id in ["paged", "broken", "wrong", "partial"] {
        let answer = deployment.get(MOTHER, &format!("/fhir/Binary/{id}")).await;
        assert_eq!(answer.comparable(), absent.comparable(), "{id}");
    }
    assert_eq!(deployment.get(MOTHER, "/fhir/Binary/spliced").await.status, 502);
}

#[tokio::test]
async fn a_message_of_a_house_is_judged_by_its_claim() {
    let message = |id: &str, claim: &str| {
        format!(
            r#"{{"messageId":"{id}","memberId":"M-102","sentOn":"2026-11-01","claimId":"{claim}","codes":[{{"code":"J10","system":"ICD-10-CM"}}]}}"#
        )
    };
    let claim = |id: &str, member: &str, code: &str| {
        format!(
            r#"{{"claimId":"{id}","memberId":"{member}","serviceDate":"2026-10-30","diagnoses":[{{"code":"{code}"}}]}}"#
        )
    };
    let messages = [
        message("flu", "CLM-1"),
        message("talk", "CLM-2"),
        message("lost", "CLM-3"),
        message("anothers", "CLM-4"),
        message("odd", "../claims/CLM-1"),
        message("odd", ".."),
    ];
    let house = |body: &str| good("application/json", body);
    let upstream = World::default()
        .by(
            "/api/v1/family/C-1/messages?pageSize=200",
            house(&format!(r#"{{"messages":[{}]}}"#, messages.join(","))),
        )
        .by("/api/v1/claims/CLM-1", house(&claim("CLM-1", "M-102", "J10")))
        .by("/api/v1/claims/CLM-2", house(&claim("CLM-2", "M-102", "F33.1")))
        .by("/api/v1/claims/CLM-4", house(&claim("CLM-4", "M-100", "J10")))
        .alone("M-102")
        .upstream()
        .await;
    let deployment = looking_up(&upstream).await;
    let answer = deployment.get(MOTHER, "/api/v1/family/C-1/messages").await;
    let seen: Vec<String> = answer.body.split(r#""messageId":""#).skip(1).map(id_of).collect();
    assert_eq!(seen, ["flu"], "{}", answer.body);
    assert!(upstream.requests().iter().all(|request| !request.contains("..")));
}

#[tokio::test]
async fn look_ups_are_counted_by_outcome() {
    let body = list(&[at_visit("e1", "Encounter/flu"), at_visit("e2", "Encounter/lost")]);
    let upstream = two_visits().with(EOBS, &body).upstream().await;
    let text = yaml(&upstream.url(), "admin: { address: '127.0.0.2:0' }")
        .replace("  timeout:", "  look-ups: { token-file: look-ups.token }\n  timeout:");
    let deployment = files().start(&text).await;
    for _ in 0..2 {
        assert_eq!(ids(&deployment.get(MOTHER, EOBS).await), ["e1"]);
    }
    let figures = ask(deployment.admin.unwrap(), "GET /metrics", &[]).await.body;
    for (outcome, count) in [("answered", 1), ("nothing", 1), ("kept", 2)] {
        let line = format!("sequester_look_ups_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(figures.contains(&line), "{figures}");
    }
    let findings = "sequester_findings_total{finding=\"look-up-failed\"} 2\n";
    assert!(figures.contains(findings), "{figures}");
}

/// A search for company that says of itself that it lacks something tells nothing.
#[tokio::test]
async fn company_that_says_that_it_is_not_all_hides() {
    let company = "\ncompany: ['/Condition?patient={subject}']\nkinds:\n";
    let outcome = |severity: &str, code: &str| {
        format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"{severity}","code":"{code}"}}]}}"#
        )
    };
    let nothing = list(&[]);
    for (found, is_shown) in [
        (nothing.clone(), true),
        (list(&[outcome("information", "informational")]), true),
        (list(&[outcome("error", "timeout")]), false),
        (list(&[outcome("warning", "incomplete")]), false),
        (nothing.replacen('{', r#"{"total":3,"#, 1), false),
        (outcome("error", "timeout"), false),
    ] {
        let upstream = Upstream::answering(move |request| {
            match request.split(' ').nth(1).unwrap().split('?').next().unwrap() {
                "/fhir/ExplanationOfBenefit" => good(FHIR, &list(&[at_visit("e", "Encounter/v")])),
                "/fhir/Encounter/v" => good(FHIR, &visit("v", "p-102", HARMLESS)),
                "/fhir/Condition" => good(FHIR, &found),
                _ => status(404),
            }
        })
        .await;
        let files = files();
        files.write("policies/shapes/fhir.yaml", SHAPE.replacen("\nkinds:\n", company, 1));
        let deployment = looking_up_by(&upstream, files).await;
        let seen = ids(&deployment.get(MOTHER, EOBS).await);
        assert_eq!(seen, if is_shown { vec!["e"] } else { vec![] });
    }
}
