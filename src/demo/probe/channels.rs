//! The catalogue: every channel by which a deployment in front of the family may tell the mother
//! what is hidden of her daughter, and the requests that try it.
//!
//! T are the traps that other systems fell into, C the ways in which a payer's data tells of
//! what was taken out of it, R, E, J, F, X, P, I and L what hostile or odd requests and answers
//! try. Rows that cannot be seen from outside are not here.

use super::super::family::Who;
use super::super::walk;
use super::super::world::World;
use super::Channel;
use super::ask::Ask;
use super::questions::Question::{
    self, Alike, Bound, Full, HeadAsGet, Hers, Locked, Never, Open, Readable, Silent, Uncached,
    Uncounted, Unmarked, Without,
};

const EOB: &str = "/fhir/ExplanationOfBenefit?patient=p-102";
const EVERYTHING: &str = "/fhir/Patient/p-102/$everything";
const CLAIMS: &str = "/api/v1/members/M-102/claims";
const FORM: &str = "application/x-www-form-urlencoded";

/// Kinds of which the daughter has hidden records that can be read by id.
const KINDS: [&str; 12] = [
    "ExplanationOfBenefit",
    "Encounter",
    "Condition",
    "Observation",
    "DocumentReference",
    "MedicationRequest",
    "CareTeam",
    "CarePlan",
    "Claim",
    "ClaimResponse",
    "Appointment",
    "Communication",
];

/// Every channel, in the order of the sheet.
pub(super) fn all(world: &World) -> Vec<Channel> {
    let mut channels = controls();
    channels.extend(existence(world));
    channels.extend(counting());
    channels.extend(searching());
    channels.extend(roads());
    channels.extend(money_and_mail(world));
    channels.extend(heads());
    channels.extend(odd_requests(world));
    channels
}

fn channel(ids: &'static str, holds: &'static str, question: Question) -> Channel {
    Channel { ids, holds, question }
}

fn gets<T: Into<String>>(targets: impl IntoIterator<Item = T>) -> Vec<Ask> {
    targets.into_iter().map(Ask::get).collect()
}

fn about(kinds: &[&str], parameters: &str) -> Vec<Ask> {
    gets(kinds.iter().map(|kind| format!("/fhir/{kind}?patient=p-102{parameters}")))
}

fn pairs(pairs: &[(&str, &str)]) -> Question {
    Alike(pairs.iter().map(|(one, other)| (Ask::get(*one), Ask::get(*other))).collect())
}

/// The address of a hidden record of that kind.
fn hidden(world: &World, kind: &str) -> Option<String> {
    let is_secret = |record: &&super::super::world::Record| {
        record.kind == kind && record.subjects == [Who::Ingrid] && !record.may_be_seen_by(Who::Ruth)
    };
    let telling = |record: &&super::super::world::Record| {
        kind != "claim" || record.body.to_string().contains("F33")
    };
    let record = world.records.iter().filter(is_secret).find(telling)?;
    let list = if kind == "claim" { "/api/v1/claims".to_owned() } else { format!("/fhir/{kind}") };
    Some(format!("{list}/{}", record.id))
}

fn controls() -> Vec<Channel> {
    vec![
        channel(
            "control T34",
            "the daughter sees what is hers",
            Hers(gets([EOB, EVERYTHING, CLAIMS])),
        ),
        channel(
            "control",
            "the mother sees what she may of everybody",
            Open(gets([
                "/fhir/Patient/p-100/$everything",
                EVERYTHING,
                "/api/v1/family/C-1/claims",
            ])),
        ),
        channel(
            "T16",
            "what a list shows can be read by its address",
            Readable(Ask::get("/fhir/ExplanationOfBenefit?patient=p-100")),
        ),
        channel(
            "I1 I3 T24",
            "without a token there is nothing",
            Locked(gets([EOB, EVERYTHING, CLAIMS])),
        ),
    ]
}

/// T8, T9, C15, R8: there, and not to be seen; or not there.
fn existence(world: &World) -> Vec<Channel> {
    let there = KINDS.iter().filter_map(|kind| hidden(world, kind));
    let there: Vec<String> = there.chain(hidden(world, "claim")).collect();
    let absent = |address: &String| {
        let list = address.rsplit_once('/').map_or("", |(list, _)| list);
        format!("{list}/absent-0000")
    };
    let alike = there.iter().map(|one| (Ask::get(one), Ask::get(absent(one)))).collect();
    let by_id = |address: &String| {
        let (list, id) = address.rsplit_once('/').unwrap_or(("", ""));
        (Ask::get(format!("{list}?_id={id}")), Ask::get(format!("{list}?_id=absent-0000")))
    };
    let fhir = there.iter().filter(|one| one.starts_with("/fhir"));
    vec![
        channel("T8 C15 R8 F17", "hidden by its id is answered as absent is", Alike(alike)),
        channel(
            "T9 T19",
            "nothing hidden can be read by its id",
            Silent(gets(there.iter().cloned())),
        ),
        channel(
            "T8 T13",
            "hidden in a search by id is answered as absent is",
            Alike(fhir.map(by_id).collect()),
        ),
        channel(
            "C14 F13",
            "older versions of what is hidden are no other way to it",
            Silent(gets(
                there
                    .iter()
                    .flat_map(|one| [format!("{one}/_history"), format!("{one}/_history/1")]),
            )),
        ),
    ]
}

/// T1 to T5, T14, C2, C25: how many there are.
fn counting() -> Vec<Channel> {
    let small = |list: &str| Ask::get(format!("{list}&_count=3"));
    let lists = [EOB, EVERYTHING, CLAIMS, "/api/v1/family/C-1", "/api/v1/family/C-1/messages"];
    vec![
        channel("T1 T4 C2", "no total counts what is hidden", Uncounted(gets(lists))),
        channel(
            "T2 T3 F25",
            "asked how many there are, it does not say",
            Uncounted(gets([
                format!("{EOB}&_summary=count"),
                format!("{EOB}&_total=accurate"),
                format!("{EOB}&_total=estimate"),
                format!("{EOB}&_count=0"),
            ])),
        ),
        channel(
            "T1 T5 C2 C25",
            "pages are as full as if the hidden were not there",
            Full { pages: small(EOB), size: 3, whole: Ask::get(format!("{EOB}&_count=1000")) },
        ),
        channel(
            "T1 T5 C2",
            "so are the portal's",
            Full {
                pages: Ask::get(format!("{CLAIMS}?pageSize=3")),
                size: 3,
                whole: Ask::get(format!("{CLAIMS}?pageSize=1000")),
            },
        ),
        channel(
            "T6 T14 L7",
            "a place in one reader's list is none in another's",
            Bound(small(EOB)),
        ),
        channel(
            "T6 C2",
            "no reader chooses from where the upstream counts",
            Silent(gets([
                format!("{EOB}&_offset=2&_count=1"),
                format!("{EOB}&_getpagesoffset=2&_count=1"),
                format!("{EOB}&page=2&_count=1"),
                format!("{CLAIMS}?cursor=2&pageSize=1"),
            ])),
        ),
        channel(
            "C2",
            "no reader counts the upstream's pages",
            pairs(&[(
                "/api/v1/members/M-102/claims?cursor=2&pageSize=1",
                "/api/v1/members/M-102/claims?cursor=9999&pageSize=1",
            )]),
        ),
    ]
}

/// T10, T11, T13, T15, C12, C32: a search that is answered by what is hidden answers yes or no.
fn searching() -> Vec<Channel> {
    let by = |one: &str, other: &str| {
        let list = |more: &str| Ask::get(format!("/fhir/Condition?patient=p-102&{more}"));
        (list(one), list(other))
    };
    vec![
        channel(
            "T10 C12 R7",
            "a search by diagnosis says nothing of what is hidden",
            Alike(vec![
                by("code=F33.1", "code=Q99.9"),
                by("code:text=depress", "code:text=xyzzy"),
                by("_text=depression", "_text=xyzzy"),
                by("_content=depression", "_content=xyzzy"),
                by("_filter=code%20eq%20F33.1", "_filter=code%20eq%20Q99.9"),
                by("category=problem-list-item", "category=xyzzy"),
                by("code:in=mental-health", "code:in=xyzzy"),
            ]),
        ),
        channel(
            "T11 C12",
            "nor does one over several steps",
            pairs(&[
                (
                    "/fhir/Patient?_has:Condition:patient:code=F33.1",
                    "/fhir/Patient?_has:Condition:patient:code=Q99.9",
                ),
                (
                    "/fhir/ExplanationOfBenefit?patient=p-102&encounter.reason-code=F33.1",
                    "/fhir/ExplanationOfBenefit?patient=p-102&encounter.reason-code=Q99.9",
                ),
                (
                    "/fhir/Encounter?patient=p-102&practitioner.name=Okafor",
                    "/fhir/Encounter?patient=p-102&practitioner.name=Xyzzy",
                ),
            ]),
        ),
        channel(
            "T13 C32",
            "order and selection by what is cut say nothing",
            pairs(&[
                (
                    "/fhir/ExplanationOfBenefit?patient=p-102&_lastUpdated=gt2000-01-01",
                    "/fhir/ExplanationOfBenefit?patient=p-102&_lastUpdated=gt2099-01-01",
                ),
                (
                    "/fhir/DocumentReference?patient=p-102&_security=PSYTHPN",
                    "/fhir/DocumentReference?patient=p-102&_security=XYZZY",
                ),
                (
                    "/fhir/ExplanationOfBenefit?patient=p-102&_sort=provider",
                    "/fhir/ExplanationOfBenefit?patient=p-102&_sort=-provider",
                ),
            ]),
        ),
        channel(
            "C5 C11 C12",
            "nor does a search by therapist or drug",
            pairs(&[
                (
                    "/api/v1/members/M-102/claims?provider=Okafor",
                    "/api/v1/members/M-102/claims?provider=Xyzzy",
                ),
                (
                    "/api/v1/members/M-102/claims?diagnosis=F33.1",
                    "/api/v1/members/M-102/claims?diagnosis=Q99.9",
                ),
                (
                    "/api/v1/members/M-102/prescriptions?drug=sertraline",
                    "/api/v1/members/M-102/prescriptions?drug=xyzzy",
                ),
                ("/api/v1/members/M-102/claims?q=therapy", "/api/v1/members/M-102/claims?q=xyzzy"),
            ]),
        ),
        channel(
            "T15 T17 F20 P9",
            "a person named in another way, or twice, is no way around",
            Silent(gets([
                "/fhir/Condition?patient=Patient/p-102",
                "/fhir/Condition?subject=p-102",
                "/fhir/Condition?patient=p-100&patient=p-102",
                "/fhir/Condition?patient=p-100,p-102",
                "/fhir/Condition?patient:identifier=p-102",
                "/fhir/Condition?patient=p-100&subject=p-102",
                "/fhir/Condition?PATIENT=p-102",
                "/fhir/Condition?patiant=p-102",
                "/fhir/Condition",
            ])),
        ),
    ]
}

/// T12, T18, T20, T23, C13, F1 to F24: other ways to the same records.
fn roads() -> Vec<Channel> {
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Condition?patient=p-102"}}]}"#;
    let graph = r#"{"query":"{ConditionList(patient:\"p-102\"){code{text}}}"}"#;
    let export = [
        "ExplanationOfBenefit",
        "Encounter",
        "Condition",
        "DocumentReference",
        "Observation",
        "MedicationRequest",
    ];
    vec![
        channel("C5 C6 C7 C23", "nothing hidden stands in any list", Silent(about(&KINDS, ""))),
        channel("T31 T32 T33 C18", "nor in the whole record of a person", Silent(vec![ask(&walk::everything(Who::Ingrid))])),
        channel(
            "T12 C13",
            "what a list brings along is judged too",
            Silent(gets([
                format!("{EOB}&_include=ExplanationOfBenefit:encounter&_include=ExplanationOfBenefit:provider"),
                format!("{EOB}&_include=*"),
                format!("{EOB}&_include:iterate=ExplanationOfBenefit:encounter"),
                "/fhir/Patient?_id=p-102&_revinclude=Condition:subject".to_owned(),
                "/fhir/Patient?_id=p-102&_revinclude=Encounter:subject&_revinclude=Provenance:target".to_owned(),
                "/fhir/Coverage?beneficiary=p-102&_revinclude=ExplanationOfBenefit:coverage".to_owned(),
            ])),
        ),
        channel(
            "T18 C13 F15",
            "an export is judged line by line",
            Silent(gets(export.map(|kind| format!("/fhir/export/{kind}.ndjson")))),
        ),
        channel(
            "T20 T21 T22 F18 F23",
            "there is no other way to ask",
            Silent(vec![
                Ask::post("/fhir", "application/fhir+json", batch),
                Ask::post("/fhir/$graphql", "application/json", graph),
                Ask::get("/fhir/$graphql?query=%7BConditionList%7Bcode%7Btext%7D%7D%7D"),
                Ask::get("/fhir/Observation/$lastn?patient=p-102"),
                Ask::get("/fhir/Patient/p-102/$export"),
                Ask::get("/fhir/$export"),
                Ask::get("/fhir/Patient/p-102/Condition"),
                Ask::get("/fhir/Patient/p-102/*"),
                Ask::get("/fhir/metadata"),
                Ask::get("/fhir/Condition/$meta"),
            ]),
        ),
        channel(
            "T16 F19",
            "a search by POST is judged as one by GET",
            Silent(vec![
                Ask::post("/fhir/Condition/_search", FORM, "patient=p-102"),
                Ask::post("/fhir/Condition/_search?patient=p-100", FORM, "patient=p-102"),
                Ask::post("/fhir/Encounter/_search", FORM, "subject=Patient%2Fp-102"),
            ]),
        ),
        channel(
            "T29 F8",
            "what is left out of an answer is judged all the same",
            Silent(
                ["_elements=id,subject", "_elements=encounter", "_summary=true", "_summary=data", "_summary=text"]
                    .iter()
                    .flat_map(|more| about(&["Condition", "Encounter"], &format!("&{more}")))
                    .collect(),
            ),
        ),
        channel(
            "J14 F9",
            "asked for in another format, it is judged or refused",
            Silent(
                ["application/fhir+xml", "text/turtle", "text/csv", "application/pdf", "*/*"]
                    .into_iter()
                    .map(|kind| Ask::get(EOB).with("accept", kind))
                    .chain(gets([format!("{EOB}&_format=xml"), format!("{EOB}&_format=ttl"), format!("{EOB}&_pretty=true")]))
                    .collect(),
            ),
        ),
    ]
}

fn ask(road: &super::super::client::Ask) -> Ask {
    Ask::get(&road.target)
}

/// C1 to C9, C21 to C29: money, post, care, as a portal shows them.
fn money_and_mail(world: &World) -> Vec<Channel> {
    let family = |page: &str| format!("/api/v1/family/C-1{page}");
    let hers = |page: &str| format!("/api/v1/members/M-102/{page}");
    let silent = |targets: Vec<String>| Silent(gets(targets));
    let is_list = |road: &&super::super::client::Ask| {
        let target = &road.target;
        road.form.is_none() && (target.starts_with("/api/v1/family") || target.contains('?'))
    };
    let lists: Vec<Ask> = walk::requests(world).iter().filter(is_list).map(ask).collect();
    vec![
        channel(
            "C1 F25",
            "no counter moves with what is hidden",
            silent(vec![family("/accumulators"), family("")]),
        ),
        channel(
            "C4 C26",
            "no payment names or sums what is hidden",
            silent(vec![family("/payments")]),
        ),
        channel(
            "C9 C10",
            "no letter or message speaks of it",
            silent(vec![family("/letters"), family("/messages")]),
        ),
        channel(
            "C5 C6",
            "no care team names the therapist",
            silent(vec![hers("care-team"), "/fhir/CareTeam?patient=p-102".to_owned()]),
        ),
        channel("C7 C29", "no authorization does", silent(vec![hers("authorizations")])),
        channel(
            "C8 C23",
            "no prescription tells of the illness",
            silent(vec![hers("prescriptions")]),
        ),
        channel(
            "C3 C24 C29",
            "no claim of the same visit does",
            silent(vec![format!("{CLAIMS}?pageSize=200"), family("/claims?pageSize=200")]),
        ),
        channel(
            "C21 C22",
            "where the daughter lives is not told",
            silent(vec!["/fhir/Patient/p-102".to_owned(), family("")]),
        ),
        channel("C17 C22 C30 T30", "nothing stands in for what was taken away", Unmarked(lists)),
    ]
}

/// C14, C16, C19, T43, T44, X1 to X4: what goes beside a body.
fn heads() -> Vec<Channel> {
    let all =
        || gets([EOB, EVERYTHING, CLAIMS, "/fhir/Condition/absent-0000", "/fhir/Patient/p-102"]);
    let conditional = |name, value| all().into_iter().map(move |ask| ask.with(name, value));
    vec![
        channel(
            "C14 T43 X1 X2 X3",
            "no field of the upstream's comes through",
            Without(
                all(),
                &[
                    "etag",
                    "last-modified",
                    "set-cookie",
                    "content-location",
                    "location",
                    "trailer",
                    "x-total-count",
                    "server-timing",
                    "warning",
                    "digest",
                ],
            ),
        ),
        channel("C19 T7 X7", "no cache keeps an answer", Uncached(all())),
        channel(
            "C1 C2 C3 T44",
            "conditions and ranges are not heeded",
            Never(
                conditional("if-none-match", "*")
                    .chain(conditional("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"))
                    .chain(conditional("range", "bytes=0-99"))
                    .chain(conditional("if-match", "\"0\""))
                    .collect(),
                &[206, 304, 412, 416],
            ),
        ),
        channel("C6 C16", "HEAD says what GET says", HeadAsGet(all())),
        channel(
            "E1 C10 X11",
            "nothing is coded past the judge",
            Without(
                all()
                    .into_iter()
                    .map(|ask| ask.with("accept-encoding", "gzip, br, zstd, *;q=0.1"))
                    .collect(),
                &["content-encoding"],
            ),
        ),
    ]
}

/// P1, P4, P5, P10, I18: requests that are read in two ways.
fn odd_requests(world: &World) -> Vec<Channel> {
    let hidden = hidden(world, "Condition").unwrap_or_default();
    let id = hidden.rsplit('/').next().unwrap_or_default();
    let paths = [
        format!("/fhir/Patient/../Condition/{id}"),
        format!("/fhir/%2e%2e/fhir/Condition/{id}"),
        format!("/fhir//Condition/{id}"),
        format!("/fhir/Condition/{id}/"),
        format!("/fhir/Condition%2F{id}"),
        format!("/fhir/Condition;v=1/{id}"),
        format!("/FHIR/condition/{id}"),
        format!("/fhir/Condition/{id}%00"),
        format!("/fhir/Condition/{id}?_format=json&_format=xml"),
    ];
    let tricks = [
        ("x-http-method-override", "GET"),
        ("x-original-url", "/fhir/Condition?patient=p-102"),
        ("x-rewrite-url", "/fhir/Condition?patient=p-102"),
        ("x-member-id", "M-102"),
        ("x-forwarded-for", "127.0.0.1"),
        ("prefer", "handling=lenient"),
    ];
    let methods = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    vec![
        channel("P1 P2", "a path has one reading", Silent(gets(paths))),
        channel(
            "P4 P5 P6 P7 P12",
            "no field of the reader's changes what is asked",
            Silent(
                tricks
                    .into_iter()
                    .map(|(name, value)| {
                        Ask::get("/fhir/Condition?patient=p-102").with(name, value)
                    })
                    .collect(),
            ),
        ),
        channel(
            "P10 F21 T26",
            "other methods give nothing",
            Silent(methods.into_iter().map(|method| Ask::get(&hidden).by(method)).collect()),
        ),
        channel(
            "I18 F5",
            "what stands in the query is no permission",
            Silent(gets([
                "/fhir/Condition?patient=p-102&access_token=x".to_owned(),
                "/fhir/Condition?patient=p-102&_as=M-102".to_owned(),
                format!("{hidden}?patient=p-102"),
            ])),
        ),
    ]
}
