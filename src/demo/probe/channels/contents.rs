//! Channels in what is asked for: searches, other ways to the same records, money and mail.

use super::super::super::client;
use super::super::super::family::Who;
use super::super::super::walk;
use super::super::super::world::World;
use super::super::Channel;
use super::super::ask::Ask;
use super::super::questions::Question::{Silent, Unmarked};
use super::{CLAIMS, EOB, KINDS, about, channel, either, gets};

/// The type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// T10, T11, T13, T15, C12, C32: a search that is answered by what is hidden answers yes or no.
pub(super) fn searching() -> Vec<Channel> {
    let conditions = "/fhir/Condition?patient=p-102&";
    let bills = "/fhir/ExplanationOfBenefit?patient=p-102&";
    let by_code = [
        (conditions, "code=F33.1", "code=Q99.9"),
        (conditions, "code:text=depress", "code:text=xyzzy"),
        (conditions, "_text=depression", "_text=xyzzy"),
        (conditions, "_content=depression", "_content=xyzzy"),
        (conditions, "_filter=code%20eq%20F33.1", "_filter=code%20eq%20Q99.9"),
        (conditions, "category=problem-list-item", "category=xyzzy"),
        (conditions, "code:in=mental-health", "code:in=xyzzy"),
    ];
    let in_steps = [
        ("/fhir/Patient?_has:Condition:patient:", "code=F33.1", "code=Q99.9"),
        (bills, "encounter.reason-code=F33.1", "encounter.reason-code=Q99.9"),
        ("/fhir/Encounter?patient=p-102&practitioner.", "name=Okafor", "name=Xyzzy"),
    ];
    let by_hidden_places = [
        (bills, "_lastUpdated=gt2000-01-01", "_lastUpdated=gt2099-01-01"),
        ("/fhir/DocumentReference?patient=p-102&", "_security=PSYTHPN", "_security=XYZZY"),
        (bills, "_sort=provider", "_sort=-provider"),
    ];
    let in_the_portal = [
        ("/api/v1/members/M-102/claims?", "provider=Okafor", "provider=Xyzzy"),
        ("/api/v1/members/M-102/claims?", "diagnosis=F33.1", "diagnosis=Q99.9"),
        ("/api/v1/members/M-102/prescriptions?", "drug=ertraline", "drug=xyzzy"),
        ("/api/v1/members/M-102/claims?", "q=sychotherapy", "q=xyzzy"),
    ];
    let persons = [
        "patient=Patient/p-102",
        "subject=p-102",
        "patient=p-100&patient=p-102",
        "patient=p-100,p-102",
        "patient:identifier=p-102",
        "patient=p-100&subject=p-102",
        "PATIENT=p-102",
        "patiant=p-102",
        "",
    ];
    let other_names = persons.map(|name| format!("/fhir/Condition?{name}"));
    vec![
        channel(
            "T10 C12 R7",
            "a search by diagnosis says nothing of what is hidden",
            either(&by_code),
        ),
        channel("T11 C12", "nor does one over several steps", either(&in_steps)),
        channel(
            "T13 C32",
            "order and selection by what is cut say nothing",
            either(&by_hidden_places),
        ),
        channel("C5 C11 C12", "nor does a search by therapist or drug", either(&in_the_portal)),
        channel(
            "T15 T17 F20 P9",
            "a person named in another way, or twice, is no way around",
            Silent(gets(other_names)),
        ),
    ]
}

/// T12, T18, T20, T23, C13, F1 to F24: other ways to the same records.
pub(super) fn roads() -> Vec<Channel> {
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
    ]
}

/// The same records asked for in other ways.
pub(super) fn other_forms() -> Vec<Channel> {
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Condition?patient=p-102"}}]}"#;
    let graph = r#"{"query":"{ConditionList(patient:\"p-102\"){code{text}}}"}"#;
    vec![
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
                [
                    "_elements=id,subject",
                    "_elements=encounter",
                    "_summary=true",
                    "_summary=data",
                    "_summary=text",
                ]
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
                    .chain(gets([
                        format!("{EOB}&_format=xml"),
                        format!("{EOB}&_format=ttl"),
                        format!("{EOB}&_pretty=true"),
                    ]))
                    .collect(),
            ),
        ),
    ]
}

fn ask(road: &client::Ask) -> Ask {
    Ask::get(&road.target)
}

/// C1 to C9, C21 to C29: money, post, care, as a portal shows them.
pub(super) fn money_and_mail(world: &World) -> Vec<Channel> {
    let family = |page: &str| format!("/api/v1/family/C-1{page}");
    let hers = |page: &str| format!("/api/v1/members/M-102/{page}");
    let silent = |targets: Vec<String>| Silent(gets(targets));
    let is_list = |road: &&client::Ask| {
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
