//! Entries as `AuditEvent` resources of FHIR R4, by the profiles of IHE BALP (Basic Audit Log
//! Patterns 1.1): one event per subject, as BALP wants it, and one for what has none.
//!
//! The log holds no query, path value, id of a record or address, so neither do these: where BALP
//! asks for the query there is the route, the object read is named by its route, and networks are
//! marked as masked. Only what was answered claims a profile; BALP has none for refusals.

use super::recorded::{Counts, Recorded};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const PROFILES: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const REST: &str = "http://hl7.org/fhir/restful-interaction";
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const REQUEST_ID_TYPE: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";

/// The events of one entry, those about `subject` if one is named.
pub fn events(entry: &Recorded, server: &str, subject: Option<&str>) -> Vec<Value> {
    // A stream's opening says nothing yet, its closing only if it was cut.
    let tells = match entry.event.as_str() {
        "answer" | "refuse" => true,
        "close" => entry.fault.is_some(),
        "flush" => !entry.subjects.is_empty(),
        _ => false,
    };
    if !tells {
        return Vec::new();
    }
    let is_asked = |of: &str| subject.is_none_or(|asked| asked == of);
    let known = entry.subjects.iter().filter(|(of, _)| *of != "?");
    let mut events: Vec<Value> = known
        .filter(|(of, _)| is_asked(of))
        .enumerate()
        .map(|(at, (of, counts))| event(entry, server, at, Some((of, counts))))
        .collect();
    if entry.subjects.is_empty() && subject.is_none() {
        events.push(event(entry, server, 0, None));
    }
    events
}

fn event(entry: &Recorded, server: &str, at: usize, subject: Option<(&String, &Counts)>) -> Value {
    let route = entry.route.as_deref().unwrap_or("no route");
    let is_read = route.ends_with("{id}");
    let (outcome, is_success) = outcome(entry);
    let (subtype, action) = if is_read { ("read", "R") } else { ("search", "E") };
    // By DICOM the query flows to the server, and what is read flows from it.
    let (client, server_role) = if is_read { ("110152", "110153") } else { ("110153", "110152") };
    let mut entities = vec![json!({
        "type": {"system": REQUEST_ID_TYPE, "code": "XrequestId"},
        "what": {"identifier": {"value": entry.request}},
    })];
    entities.push(if is_read {
        json!({
            "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
            "role": {"system": OBJECT_ROLE, "code": "4", "display": "Domain Resource"},
            "what": {"display": route},
        })
    } else {
        json!({
            "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
            "role": {"system": OBJECT_ROLE, "code": "24", "display": "Query"},
            "description": route,
            "query": STANDARD.encode(route),
        })
    });
    entities.extend(subject.map(|(of, counts)| patient(of, counts)));
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("{}-{}-{at}", entry.request, entry.n),
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest", "display": "Restful Operation",
        },
        "subtype": [{"system": REST, "code": subtype, "display": subtype}],
        "action": action,
        "recorded": entry.time,
        "outcome": outcome,
        "agent": [
            machine(client, entry.client.as_deref().unwrap_or("unknown client")),
            machine(server_role, server),
            reader(entry, subject.map(|(of, _)| of.as_str())),
        ],
        "source": {
            "observer": {"display": server},
            "type": [{
                "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                "code": "4", "display": "Application Server",
            }],
        },
        "entity": entities,
    });
    if let Some(object) = event.as_object_mut() {
        if is_success {
            let of_patient = if subject.is_some() { "Patient" } else { "" };
            let kind = if is_read { "Read" } else { "Query" };
            let profile = format!("{PROFILES}{of_patient}{kind}");
            object.insert("meta".to_owned(), json!({"profile": [profile]}));
        }
        if let Some(fault) = &entry.fault {
            object.insert("outcomeDesc".to_owned(), json!(fault));
        }
    }
    event
}

/// FHIR's outcome, and whether it is success.
fn outcome(entry: &Recorded) -> (&'static str, bool) {
    match (entry.event.as_str(), entry.status) {
        ("answer" | "flush", _) => ("0", true),
        (_, Some(status)) if status < 500 => ("4", false),
        _ => ("8", false),
    }
}

/// The client or the server. Their addresses are not in the log.
fn machine(role: &str, name: &str) -> Value {
    let display = if role == "110152" { "Destination Role ID" } else { "Source Role ID" };
    json!({
        "type": {"coding": [{"system": DCM, "code": role, "display": display}]},
        "who": {"display": name},
        "requestor": false,
        "network": {"extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "masked",
        }]},
    })
}

/// The person who asked, and why, as far as it is known: for themselves or for family.
fn reader(entry: &Recorded, subject: Option<&str>) -> Value {
    let mut agent = json!({
        "type": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
            "code": "IRCP", "display": "information recipient",
        }]},
        "who": {"identifier": {"value": entry.reader}},
        "requestor": true,
        "policy": [format!("urn:sequester:policy-set:{}", entry.policy)],
    });
    if let (Some(subject), Some(object)) = (subject, agent.as_object_mut()) {
        let (code, display) = if subject == entry.reader {
            ("PATRQT", "patient requested")
        } else {
            ("FAMRQT", "family requested")
        };
        let coding = json!({
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
            "code": code, "display": display,
        });
        object.insert("purposeOfUse".to_owned(), json!([{"coding": [coding]}]));
    }
    agent
}

fn patient(of: &str, counts: &Counts) -> Value {
    let detail = |kind: &str, count: u64| json!({"type": kind, "valueString": count.to_string()});
    json!({
        "type": {"system": ENTITY_TYPE, "code": "1", "display": "Person"},
        "role": {"system": OBJECT_ROLE, "code": "1", "display": "Patient"},
        "what": {"type": "Patient", "identifier": {"value": of}},
        "detail": [detail("released", counts.released), detail("withheld", counts.withheld)],
    })
}
