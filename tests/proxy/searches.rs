//! What may be searched by whom: by what is hidden from others only in a request pinned to the
//! reader; the answer to anything else depends on the request alone.

use super::client::{Answer, parse, request};
use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, yaml};
use super::upstream::{Upstream, good};

const NOTHING: &str = r#"{"resourceType":"Bundle","type":"searchset"}"#;

async fn set() -> (Upstream, Deployment) {
    let upstream = Upstream::scripted(good("application/fhir+json", NOTHING)).await;
    let more = "limits: { reader: [] }";
    let deployment = Files::with_all_policies().start(&yaml(&upstream.url(), more)).await;
    (upstream, deployment)
}

async fn post(deployment: &Deployment, member: &str, path: &str, form: &str) -> Answer {
    let token = deployment.files.token(member);
    let fields = [
        token.as_str(),
        "Content-Type: application/x-www-form-urlencoded",
        &format!("Content-Length: {}", form.len()),
    ];
    let sent = request(&format!("POST {path}"), &fields, form);
    parse(&super::client::exchange(deployment.address, &sent).await)
}

/// By GET, by POST, and by both at once: one answer.
async fn ask(deployment: &Deployment, member: &str, kind: &str, query: &str) -> Answer {
    let get = deployment.get(member, &format!("/fhir/{kind}?{query}")).await;
    let path = format!("/fhir/{kind}/_search");
    let posted = post(deployment, member, &path, query).await;
    assert_eq!(posted.comparable(), get.comparable(), "POST {kind} {query}");
    if let Some((one, rest)) = query.split_once('&')
        && !rest.is_empty()
        && !rest.split('&').any(|pair| pair.split('=').next() == one.split('=').next())
    {
        let both = post(deployment, member, &format!("{path}?{one}"), rest).await;
        assert_eq!(both.comparable(), get.comparable(), "POST {kind} {query}");
    }
    get
}

/// A 400 that names the parameter.
fn check_refused(answer: &Answer, parameter: &str, query: &str) {
    assert_eq!(answer.status, 400, "{query}: {}", answer.body);
    let words = format!("query parameter `{parameter}` is not open here");
    assert!(answer.body.contains(&words), "{query}: {}", answer.body);
}

/// Clinical content in every form, with the parameter that is named.
const TELLING: [(&str, &str, &str); 27] = [
    ("Condition", "code=F33.1", "code"),
    ("Condition", "code=http://hl7.org/fhir/sid/icd-10-cm|F33.1", "code"),
    ("ExplanationOfBenefit", "diagnosis=Condition/c-1", "diagnosis"),
    ("Encounter", "type=psychotherapy", "type"),
    ("Encounter", "reason-code=F33.1", "reason-code"),
    ("Observation", "category=survey", "category"),
    ("Observation", "value-quantity=gt10", "value-quantity"),
    ("Observation", "combo-code=44249-1", "combo-code"),
    ("ExplanationOfBenefit", "provider=Practitioner/therapist", "provider"),
    ("ExplanationOfBenefit", "care-team=Practitioner/therapist", "care-team"),
    ("ExplanationOfBenefit", "facility=Location/clinic", "facility"),
    ("Encounter", "practitioner=Practitioner/therapist", "practitioner"),
    ("Encounter", "service-provider=Organization/clinic", "service-provider"),
    ("MedicationRequest", "medication=Medication/m-1", "medication"),
    ("MedicationRequest", "requester=Practitioner/therapist", "requester"),
    ("MedicationDispense", "code=313990", "code"),
    ("DocumentReference", "category=psychotherapy", "category"),
    ("Observation", "encounter=Encounter/e-1", "encounter"),
    ("Condition", "_security=R", "_security"),
    ("Condition", "_tag=sensitive", "_tag"),
    ("Condition", "_lastUpdated=gt2026-01-01", "_lastUpdated"),
    ("Condition", "_total=accurate", "_total"),
    ("Condition", "_sort=code", "_sort"),
    ("Condition", "_sort=onset-date,-severity", "_sort"),
    ("Condition", "_sort=_lastUpdated", "_sort"),
    ("Condition", "_include=Condition:evidence", "_include"),
    ("Condition", "_revinclude=Observation:specialty", "_revinclude"),
];

#[tokio::test]
async fn clinical_content_is_searched_by_its_subject_alone() {
    let (upstream, deployment) = set().await;
    for (kind, query, parameter) in TELLING {
        for pinned in ["", "&patient=p-100", "&patient=p-100,p-102", "&patient=p-102,p-102"] {
            let query = format!("{query}{pinned}");
            check_refused(&ask(&deployment, DAUGHTER, kind, &query).await, parameter, &query);
        }
        // Whether the person is foreign, absent or hidden makes no difference.
        for person in ["p-102", "p-200", "nobody", "Patient/p-102"] {
            let query = format!("patient={person}&{query}");
            check_refused(&ask(&deployment, MOTHER, kind, &query).await, parameter, &query);
        }
    }
    assert_eq!(upstream.requests(), Vec::<String>::new(), "nothing is asked for these");
    for (kind, query, _) in TELLING {
        for pin in ["patient=p-102", "patient=Patient/p-102", "subject=p-102"] {
            let query = format!("{pin}&{query}");
            let answer = ask(&deployment, DAUGHTER, kind, &query).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, NOTHING), "{query}");
        }
    }
}

#[tokio::test]
async fn what_no_reader_may_ask() {
    let (upstream, deployment) = set().await;
    for (query, parameter) in [
        ("_has:Observation:patient:code=44249-1", "_has:Observation:patient:code"),
        ("_has:Condition:subject:code=F33.1", "_has:Condition:subject:code"),
        ("encounter.type=therapy", "encounter.type"),
        ("subject:Patient.name=x", "subject:Patient.name"),
        ("patient.identifier=x", "patient.identifier"),
        ("patient:identifier=x", "patient:identifier"),
        ("patient:Patient=p-102", "patient:Patient"),
        ("code:in=http://x/valueset", "code:in"),
        ("code:not-in=http://x/valueset", "code:not-in"),
        ("code:text=depress", "code:text"),
        ("code:below=F33", "code:below"),
        ("code:missing=true", "code:missing"),
        ("date:missing=true", "date:missing"),
        ("_id:not=c-1", "_id:not"),
        ("_filter=code%20eq%20F33.1", "_filter"),
        ("_content=therapy", "_content"),
        ("_text=therapy", "_text"),
        ("_query=named", "_query"),
        ("_list=l-1", "_list"),
        ("_type=Condition,Observation", "_type"),
        ("_elements=id", "_elements"),
        ("_summary=count", "_summary"),
        ("_summary=true", "_summary"),
        ("_contained=both", "_contained"),
        ("_score=true", "_score"),
        ("_since=2026-01-01", "_since"),
        ("_getpages=1", "_getpages"),
        ("_offset=10", "_offset"),
        ("page=2", "page"),
        ("_format=xml", "_format"),
        ("_format=application/fhir%2Bxml", "_format"),
        ("_include=*", "_include"),
        ("_include=Condition:*", "_include"),
        ("_include=Condition", "_include"),
        ("_include=Nothing:encounter", "_include"),
        ("_include=Condition:encounter:Nothing", "_include"),
        ("_include=Condition:encounter:Encounter:iterate", "_include"),
        ("_include:iterate=Condition:encounter", "_include:iterate"),
        ("_include:recurse=Condition:encounter", "_include:recurse"),
        ("_revinclude:iterate=Observation:encounter", "_revinclude:iterate"),
        ("_sort=_count", "_sort"),
        ("_sort=", "_sort"),
        ("_sort=date,", "_sort"),
        ("_sort=--date", "_sort"),
        ("_sort:asc=date", "_sort:asc"),
        ("nothing-known=1", "nothing-known"),
        ("Patient=p-102", "Patient"),
        ("PATIENT=p-102", "PATIENT"),
        ("patient%20=p-102", "patient?"),
        ("patient[]=p-102", "patient[]"),
        ("_count=-1", "_count"),
        ("_count=ten", "_count"),
        ("_count=1.5", "_count"),
        ("_count=", "_count"),
        ("_id=", "_id"),
        ("status", "status"),
    ] {
        for (member, pin) in [(MOTHER, "onset-date=ge2020"), (DAUGHTER, "patient=p-102")] {
            let query = format!("{pin}&{query}");
            check_refused(&ask(&deployment, member, "Condition", &query).await, parameter, &query);
        }
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn what_comes_twice_or_by_two_names() {
    let (upstream, deployment) = set().await;
    for (query, parameter) in [
        ("patient=p-102&patient=p-102", "patient"),
        ("patient=p-102&patient=p-100", "patient"),
        ("patient=p-102&subject=p-102", "subject"),
        ("patient=p-102&beneficiary=p-100", "beneficiary"),
        ("%70atient=p-102&patient=p-100", "patient"),
        ("patient=", "patient"),
        ("_count=1&_count=2", "_count"),
        ("_sort=onset-date&_sort=-onset-date", "_sort"),
        ("_format=json&_format=json", "_format"),
    ] {
        check_refused(&ask(&deployment, DAUGHTER, "Condition", query).await, parameter, query);
    }
    // One in the query, one in the form.
    let path = "/fhir/Condition/_search?patient=p-102";
    for form in ["patient=p-100", "patient=p-102", "subject=p-100"] {
        let answer = post(&deployment, DAUGHTER, path, form).await;
        check_refused(&answer, form.split('=').next().unwrap(), form);
    }
    for malformed in ["patient=%zz", "a=%ff", "=x", "patient=p%00", "&", "patient=p-102&"] {
        let answer = ask(&deployment, DAUGHTER, "Condition", malformed).await;
        assert_eq!(answer.status, 400, "{malformed}");
        assert!(answer.body.contains("malformed request"), "{malformed}: {}", answer.body);
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn what_anybody_may_ask_goes_on_as_it_was_asked() {
    let (upstream, deployment) = set().await;
    for (query, sent) in [
        ("patient=p-102", "patient=p-102"),
        ("patient=p-102,p-104", "patient=p-102%2Cp-104"),
        ("onset-date=ge2020&onset-date=lt2021", "onset-date=ge2020&onset-date=lt2021"),
        ("_sort=-onset-date,_id", "_sort=-onset-date%2C_id"),
        ("_id=a;b%26c", "_id=a%3Bb%26c"),
        ("_include=Condition:encounter:Encounter", "_include=Condition%3Aencounter%3AEncounter"),
        ("_format=json&_id=1", "_id=1"),
    ] {
        let answer = deployment.get(MOTHER, &format!("/fhir/Condition?{query}&_count=3")).await;
        assert_eq!(answer.status, 200, "{query}");
        let asked = upstream.requests().pop().unwrap();
        let line = format!("GET /fhir/Condition?{sent}&_count=200 HTTP/1.1");
        assert_eq!(asked.lines().next().unwrap(), line);
    }
    // Providers are found by what they are; people are not.
    let directory = ask(&deployment, MOTHER, "Practitioner", "name=okafor&_sort=family").await;
    assert_eq!(directory.status, 200);
    let person = ask(&deployment, MOTHER, "Patient", "name=okafor").await;
    check_refused(&person, "name", "Patient?name");
}

/// An upstream that does not know the parameter by which a search is pinned searches everybody's.
#[tokio::test]
async fn an_upstream_that_ignores_the_pin_tells_nothing_of_others() {
    let observation = |id: &str, patient: &str| {
        format!(
            "{{\"resource\":{{\"resourceType\":\"Condition\",\"id\":\"{id}\",\"subject\":{{\"reference\":\"Patient/{patient}\"}},\"code\":{{\"coding\":[{{\"system\":\"http://hl7.org/fhir/sid/icd-10-cm\",\"code\":\"J06.9\"}}]}}}},\"search\":{{\"mode\":\"match\"}}}}"
        )
    };
    let (own, childs) = (observation("own", "p-100"), observation("childs", "p-104"));
    let body = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":[{childs},{own}]}}"
    );
    let upstream = Upstream::scripted(good("application/fhir+json", &body)).await;
    let deployment = Deployment::with_all_policies_before(&upstream.url()).await;
    let open = ask(&deployment, MOTHER, "Condition", "patient=p-100").await;
    assert!(open.body.contains("\"childs\"") && open.body.contains("\"own\""));
    let telling = ask(&deployment, MOTHER, "Condition", "patient=p-100&code=J06.9").await;
    let expected = body.replace(&format!("{childs},"), "");
    assert_eq!((telling.status, telling.body), (200, expected));
}

#[tokio::test]
async fn a_house_is_searched_alike() {
    let upstream = Upstream::scripted(good("application/json", "{\"claims\":[]}")).await;
    let deployment = Deployment::before(&upstream.url()).await;
    for (query, parameter) in [
        ("diagnosis=F33.1", "diagnosis"),
        ("provider=1234567893", "provider"),
        ("drug=sertraline", "drug"),
        ("category=mental", "category"),
        ("q=therapy", "q"),
        ("sort=diagnosis", "sort"),
        ("memberId=M-100&q=therapy", "q"),
        ("memberId=M-102&memberId=M-102", "memberId"),
        ("memberId=M-102&q=a&q=b", "q"),
        ("from=2026-01-01&from=2026-02-01", "from"),
        ("status=", "status"),
        ("page=2", "page"),
        ("fields=claimId", "fields"),
        ("expand=provider", "expand"),
        ("memberID=M-102", "memberID"),
    ] {
        let answer = deployment.get(DAUGHTER, &format!("/api/v1/family/C-1/claims?{query}")).await;
        check_refused(&answer, parameter, query);
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
    let own = "/api/v1/family/C-1/claims?memberId=M-102&diagnosis=F33.1&from=2026-01-01";
    assert_eq!(deployment.get(DAUGHTER, own).await.status, 200);
}

/// A chart that is not read in pages must be all there is: what comes after it was never judged.
#[tokio::test]
async fn a_chart_of_which_there_is_more_is_refused() {
    for (relation, status) in [("self", 200), ("next", 502)] {
        let body = format!(
            "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"link\":[{{\"relation\":\"{relation}\",\"url\":\"/fhir/x\"}}],\"entry\":[{{\"resource\":{{\"resourceType\":\"Condition\",\"id\":\"own\",\"subject\":{{\"reference\":\"Patient/p-100\"}}}}}}]}}"
        );
        let upstream = Upstream::scripted(good("application/fhir+json", &body)).await;
        let deployment = Deployment::with_all_policies_before(&upstream.url()).await;
        let answer = deployment.get(MOTHER, "/fhir/Patient/p-100/$everything").await;
        assert_eq!(
            (answer.status, answer.body.contains("own")),
            (status, status == 200),
            "{relation}"
        );
    }
}
