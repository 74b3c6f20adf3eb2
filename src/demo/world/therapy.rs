//! The daughter's therapy, everywhere it shows in a payer's books: sessions, bills with and
//! without the diagnosis, scores, letters of approval, the care team, and two session notes that
//! the payer should never have been sent.

use super::super::family::{Privacy, Who};
use super::Writer;
use super::billing::{Bill, set};
use super::fhir::{Code, System, at, code, cpt, hl7, icd, meta, patient, to};
use super::providers::Provider as P;
use super::visits::{Told, Trace, Visit};
use Privacy::{Nobody, Ordinary, Sensitive};
use Who::Ingrid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const DEPRESSION: Code = icd("F33.1", "Major depressive disorder, recurrent, moderate");
const SESSION: Code = cpt("90837", "Psychotherapy, 60 minutes");
const BLOOD_DRAW: Code = cpt("36415", "Blood draw");
const EXAMINATION: Code = icd("Z00.00", "General adult examination");

const LOW: &[Code] = &[icd("F32.A", "Depression")];
const LONG_VISIT: &[(Code, i32)] = &[(cpt("99214", "Longer office visit"), 17_400)];

/// Once a week, for most of a year.
const WEEKS: i32 = 36;

/// What the therapist wrote for herself. It should have stayed in her drawer.
const NOTES: [&str; 2] = [
    "Spoke of her mother at length. She is afraid of being found out, and of what the silence at home would be like.",
    "Brought the dream of the locked house again. Did not want to go on after the part with the letters on the table.",
];

pub(super) fn write(writer: &mut Writer) {
    doctor(writer);
    let mut last = None;
    for week in 0..WEEKS {
        let trace = session(writer, week);
        last.get_or_insert(trace);
    }
    if let Some(trace) = last {
        plans(writer, &trace);
        around(writer, &trace);
        problems(writer, &trace);
    }
    approval(writer);
    visits_counted(writer);
}

/// The family doctor who sent her there, and the psychiatrist who prescribes.
fn doctor(writer: &mut Writer) {
    let visit = |days_ago, provider, diagnoses, services| Visit {
        who: Ingrid,
        days_ago,
        provider,
        privacy: Sensitive,
        diagnoses,
        services,
        told: Told::All,
    };
    let referral = writer.visit(&visit(262, P::Family, LOW, LONG_VISIT));
    let day = writer.day(262);
    let body = json!({
        "meta": meta(&day, 1), "status": "active", "intent": "order",
        "code": cpt("90791", "Psychiatric evaluation").concept(), "subject": patient(Ingrid),
        "encounter": to("Encounter", &referral.encounter), "authoredOn": day,
        "requester": P::Family.reference(), "performer": [P::Therapist.reference()],
        "reasonReference": [to("Condition", &referral.condition)],
    });
    let id = format!("sr-{}", writer.number());
    writer.fhir(Ingrid, Sensitive, "ServiceRequest", &id, body);
    for days_ago in [245, 155, 60] {
        writer.visit(&visit(days_ago, P::Psychiatrist, &[DEPRESSION], LONG_VISIT));
    }
}

/// One session. Every other bill says plainly what it was; the rest say less and less.
fn session(writer: &mut Writer, week: i32) -> Trace {
    let days_ago = week.saturating_mul(7).saturating_add(4);
    let told = match week.checked_rem(4) {
        Some(2) => Told::ServiceOnly,
        Some(3) => Told::EncounterOnly,
        _ => Told::All,
    };
    let visit = Visit {
        who: Ingrid,
        days_ago,
        provider: P::Therapist,
        privacy: Sensitive,
        diagnoses: &[DEPRESSION],
        services: &[(SESSION, 18_350)],
        told,
    };
    let trace = writer.visit(&visit);
    match week {
        1 => note_in_claim(writer, NOTES[0]),
        9 => note_in_claim(writer, NOTES[1]),
        _ => {}
    }
    match week {
        0 => note(writer, &trace, days_ago, NOTES[0]),
        6 => note(writer, &trace, days_ago, NOTES[1]),
        7 => report(writer, &trace, days_ago),
        3 | 11 => blood(writer, &trace, days_ago),
        _ => {}
    }
    if week.checked_rem(4) == Some(0) {
        score(writer, &trace, days_ago, week);
    }
    trace
}

/// The portal's claim, as written last, has a place for remarks; somebody pasted a note there.
fn note_in_claim(writer: &mut Writer, text: &str) {
    if let Some(line) =
        writer.records.last_mut().and_then(|claim| claim.body.pointer_mut("/lines/0"))
    {
        set(line, "therapistNote", text.into());
    }
    writer.part("/lines/0/therapistNote", Nobody);
}

fn document(writer: &mut Writer, trace: &Trace, days_ago: i32, kind: Code, text: &str) -> Value {
    let day = writer.day(days_ago);
    json!({
        "status": "current", "type": kind.concept(), "subject": patient(Ingrid), "date": at(&day, 18),
        "author": [P::Therapist.reference()],
        "content": [{"attachment": {"contentType": "text/plain", "data": STANDARD.encode(text)}}],
        "context": {"encounter": [to("Encounter", &trace.encounter)]},
    })
}

/// A session note, labelled as what it is.
fn note(writer: &mut Writer, trace: &Trace, days_ago: i32, text: &str) {
    let kind = code(System::Loinc, "34866-4", "Counselling note");
    let mut body = document(writer, trace, days_ago, kind, text);
    let label =
        json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSYTHPN"});
    set(&mut body, "meta", json!({"security": [label]}));
    let id = format!("doc-{}", writer.number());
    writer.fhir(Ingrid, Nobody, "DocumentReference", &id, body);
}

/// A report to the plan: part of her record, and hers to read.
fn report(writer: &mut Writer, trace: &Trace, days_ago: i32) {
    let kind = code(System::Loinc, "11488-4", "Consultation report");
    let text = "Progress as expected. Weekly sessions are to go on for another twelve weeks.";
    let body = document(writer, trace, days_ago, kind, text);
    let id = format!("doc-{}", writer.number());
    writer.fhir(Ingrid, Sensitive, "DocumentReference", &id, body);
}

/// Blood drawn on the way: a bill like anybody's, but for the visit it belongs to.
fn blood(writer: &mut Writer, trace: &Trace, days_ago: i32) {
    let number = writer.number();
    writer.bill(&Bill {
        who: Ingrid,
        days_ago,
        provider: P::Laboratory,
        privacy: Sensitive,
        number,
        encounter: Some(trace.encounter.clone()),
        prescription: None,
        visit: trace.number,
        diagnoses: vec![EXAMINATION],
        services: vec![(BLOOD_DRAW, 1_650)],
    });
}

/// The questionnaire of nine questions, every fourth week, and what it came to.
fn score(writer: &mut Writer, trace: &Trace, days_ago: i32, week: i32) {
    let (day, number) = (writer.day(days_ago), writer.number());
    let answers = format!("qr-{number}");
    let items: Vec<Value> = (1..=9_i32)
        .map(|n| {
            let points = week.saturating_add(n).checked_rem(4).unwrap_or(0);
            json!({"linkId": format!("/4425{n}-q"), "text": format!("Question {n} of the mood questionnaire"),
                   "answer": [{"valueInteger": points}]})
        })
        .collect();
    let body = json!({
        "meta": meta(&day, 1), "status": "completed",
        "questionnaire": "http://example.org/Questionnaire/phq-9", "subject": patient(Ingrid),
        "encounter": to("Encounter", &trace.encounter), "authored": day, "item": items,
    });
    writer.fhir(Ingrid, Sensitive, "QuestionnaireResponse", &answers, body);
    let body = json!({
        "meta": meta(&day, 1), "status": "final",
        "category": [hl7("observation-category", "survey")],
        "code": code(System::Loinc, "44261-6", "PHQ-9 total score").concept(), "subject": patient(Ingrid),
        "encounter": to("Encounter", &trace.encounter), "effectiveDateTime": day,
        "derivedFrom": [to("QuestionnaireResponse", &answers)],
        "valueQuantity": {"value": 9_i32.saturating_add(week.checked_rem(7).unwrap_or(0)), "unit": "{score}"},
    });
    writer.fhir(Ingrid, Sensitive, "Observation", &format!("obs-{number}"), body);
}

/// The team, the plan and the goal of the treatment.
fn plans(writer: &mut Writer, trace: &Trace) {
    let (day, number) = (writer.day(240), writer.number());
    let goal = format!("goal-{number}");
    let condition = to("Condition", &trace.condition);
    let body = json!({
        "lifecycleStatus": "active", "description": {"text": "Sleeps through four nights a week, mood steady"},
        "subject": patient(Ingrid), "startDate": day, "addresses": [condition],
    });
    writer.fhir(Ingrid, Sensitive, "Goal", &goal, body);
    let body = json!({
        "status": "active", "intent": "plan", "title": "Treatment of depression", "subject": patient(Ingrid),
        "period": {"start": day}, "author": P::Therapist.reference(), "addresses": [condition],
        "goal": [to("Goal", &goal)],
        "activity": [{"detail": {"status": "in-progress", "code": SESSION.concept()}}],
    });
    writer.fhir(Ingrid, Sensitive, "CarePlan", &format!("plan-{number}"), body);
    let member = |provider: P| json!({"member": provider.reference(), "role": [provider.role()]});
    let body = json!({
        "status": "active", "subject": patient(Ingrid), "period": {"start": day},
        "participant": [member(P::Therapist), member(P::Psychiatrist), member(P::Family)],
    });
    writer.fhir(Ingrid, Sensitive, "CareTeam", &format!("team-{number}"), body);
}

/// What stands around a treatment: where a diagnosis came from, the next session, a message.
fn around(writer: &mut Writer, trace: &Trace) {
    let (day, number, soon) = (writer.day(4), writer.number(), writer.day(-3));
    let condition = to("Condition", &trace.condition);
    let body = json!({
        "target": [condition], "recorded": format!("{day}T23:12:00Z"),
        "agent": [{"who": P::Therapist.reference()}],
    });
    writer.fhir(Ingrid, Sensitive, "Provenance", &format!("prov-{number}"), body);
    let body = json!({
        "status": "booked", "start": at(&soon, 16), "end": at(&soon, 17),
        "serviceType": [SESSION.concept()],
        "participant": [{"actor": patient(Ingrid), "status": "accepted"},
                        {"actor": P::Therapist.reference(), "status": "accepted"}],
    });
    writer.fhir(Ingrid, Sensitive, "Appointment", &format!("appt-{number}"), body);
    let body = json!({
        "status": "completed", "subject": patient(Ingrid), "sent": at(&day, 12),
        "encounter": to("Encounter", &trace.encounter), "sender": P::Insurer.reference(),
        "payload": [{"contentString": "Your care manager asks how you are doing since Tuesday."}],
    });
    writer.fhir(Ingrid, Sensitive, "Communication", &format!("com-{number}"), body);
}

/// Her list of problems is ordinary; one line of it is not.
fn problems(writer: &mut Writer, trace: &Trace) {
    let ankle = writer.records.iter().find(|record| {
        let code = record.body.pointer("/code/coding/0/code");
        record.kind == "Condition" && code.is_some_and(|code| code == "S93.401A")
    });
    let Some(ankle) = ankle.map(|record| to("Condition", &record.id)) else { return };
    let (day, number) = (writer.day(47), writer.number());
    let body = json!({
        "status": "current", "mode": "working", "subject": patient(Ingrid), "date": day,
        "code": code(System::Loinc, "11450-4", "Problem list").concept(),
        "entry": [{"item": ankle}, {"item": to("Condition", &trace.condition)}],
    });
    writer.fhir(Ingrid, Ordinary, "List", &format!("list-{number}"), body);
    writer.part("/entry/1", Sensitive);
}

/// The plan's approval of further sessions; beside it, one for the ankle.
fn approval(writer: &mut Writer) {
    let (day, number) = (writer.day(54), writer.number());
    let (request, answer) = (format!("claim-{number}"), format!("resp-{number}"));
    let body = json!({
        "status": "active", "type": hl7("claim-type", "professional"), "use": "preauthorization",
        "patient": patient(Ingrid), "created": day, "provider": P::Therapist.reference(),
        "priority": hl7("processpriority", "normal"),
        "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": DEPRESSION.concept()}],
        "insurance": [{"sequence": 1, "focal": true, "coverage": to("Coverage", &Ingrid.coverage())}],
        "item": [{"sequence": 1, "productOrService": SESSION.concept(), "quantity": {"value": 12}}],
    });
    writer.fhir(Ingrid, Sensitive, "Claim", &request, body);
    let body = json!({
        "status": "active", "type": hl7("claim-type", "professional"), "use": "preauthorization",
        "patient": patient(Ingrid), "created": day, "insurer": P::Insurer.reference(),
        "request": to("Claim", &request), "outcome": "complete",
        "disposition": "Twelve further sessions are approved.", "preAuthRef": format!("LHPA{number}"),
    });
    writer.fhir(Ingrid, Sensitive, "ClaimResponse", &answer, body);
    let mut house = |privacy, provider: P, diagnosis: Code, service: Code, rationale: &str| {
        let id = format!("A-{}", writer.number());
        let body = json!({
            "authorizationId": id, "memberId": Ingrid.person().member, "requestedOn": day, "decision": "approved",
            "provider": provider.house(), "diagnoses": [{"code": diagnosis.number}],
            "services": [{"code": service.number, "codeSystem": "CPT", "display": service.words,
                          "approved": 12, "used": 7}],
            "rationale": rationale,
        });
        writer.house("authorization", &id, Ingrid, privacy, body);
        writer.part("/services/0/used", Sensitive);
        writer.part("/rationale", Sensitive);
    };
    house(Sensitive, P::Therapist, DEPRESSION, SESSION, "low mood has not lifted in full");
    let ankle = icd("S93.401A", "Sprain of the right ankle");
    house(
        Ordinary,
        P::UrgentCare,
        ankle,
        cpt("73721", "MRI of the ankle"),
        "the swelling has not gone down",
    );
}

/// How many of the visits that the plan allows are used.
fn visits_counted(writer: &mut Writer) {
    let id = format!("ACC-{}", writer.number());
    let body = json!({
        "accumulatorId": id, "memberId": Ingrid.person().member, "title": "Outpatient mental health visits",
        "year": writer.today.year(), "limit": 52, "visitsUsed": WEEKS,
    });
    writer.house("accumulator", &id, Ingrid, Sensitive, body);
}
