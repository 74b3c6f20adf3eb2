//! Who is insured: persons, coverages, the members of the portal with their running totals.

use super::super::family::{Privacy, Who};
use super::Writer;
use super::billing::set;
use super::fhir::{dollars, meta, patient};
use super::providers::Provider;
use serde_json::json;

/// Used of the deductible this year, cents; no two alike, so that each can be looked for.
fn used_cents(who: Who) -> i32 {
    match who {
        Who::Ruth => 61_237,
        Who::Per => 48_719,
        Who::Ingrid => 187_463,
        Who::Nils => 33_841,
        Who::Maja => 72_593,
        Who::Tomas => 11_929,
    }
}

/// What the family has used together, cents.
const FAMILY_CENTS: i32 = 403_853;
const FAMILY_LIMIT_CENTS: i32 = 600_000;

pub(super) fn write(writer: &mut Writer) {
    for who in Who::ALL {
        person(writer, who);
        coverage(writer, who);
        member(writer, who);
        accumulators(writer, who);
    }
}

fn person(writer: &mut Writer, who: Who) {
    let person = who.person();
    let day = writer.day(200);
    let doctor = match who {
        Who::Nils => Provider::BayPaediatrician,
        Who::Maja => Provider::Paediatrician,
        Who::Ruth | Who::Per | Who::Ingrid | Who::Tomas => Provider::Family,
    };
    let body = json!({
        "meta": meta(&day, 3), "active": true,
        "identifier": [{"system": "https://lakeside.example/member", "value": person.member}],
        "name": [{"family": person.last_name, "given": [person.first_name]}],
        "telecom": [{"system": "phone", "value": person.phone}], "gender": person.gender,
        "birthDate": who.birth_date(writer.today).to_string(),
        "address": [{"line": [person.street], "city": person.city, "state": person.state}],
        "generalPractitioner": [doctor.reference()],
    });
    writer.fhir(who, Privacy::Ordinary, "Patient", &who.patient(), body);
    writer.part("/telecom", Privacy::Contact);
    writer.part("/address", Privacy::Contact);
}

fn coverage(writer: &mut Writer, who: Who) {
    let holder = if who == Who::Tomas { Who::Tomas } else { Who::Ruth };
    let body = json!({
        "status": "active", "subscriber": patient(holder), "beneficiary": patient(who),
        "period": {"start": "2015-01-01"}, "payor": [Provider::Insurer.reference()],
    });
    writer.fhir(who, Privacy::Ordinary, "Coverage", &who.coverage(), body);
}

fn member(writer: &mut Writer, who: Who) {
    let person = who.person();
    let body = json!({
        "memberId": person.member, "name": who.full_name(), "relationship": person.relationship,
        "coverageStatus": "active", "phone": person.phone,
        "address": {"line": person.street, "city": person.city},
        "deductibleUsed": dollars(used_cents(who)), "familyDeductibleUsed": dollars(FAMILY_CENTS),
    });
    writer.house("member", person.member, who, Privacy::Ordinary, body);
    writer.part("/phone", Privacy::Contact);
    writer.part("/address", Privacy::Contact);
    writer.part("/deductibleUsed", Privacy::Sensitive);
    writer.part("/familyDeductibleUsed", family_total(who));
}

fn accumulators(writer: &mut Writer, who: Who) {
    let number = writer.number();
    let (id, used) = (format!("ACC-{number}"), used_cents(who));
    let mut body = json!({
        "accumulatorId": id, "memberId": who.person().member, "title": "Deductible", "year": writer.today.year(),
        "limit": 2000.0, "used": dollars(used), "remaining": dollars(200_000_i32.saturating_sub(used)),
        "familyLimit": dollars(FAMILY_LIMIT_CENTS), "familyUsed": dollars(FAMILY_CENTS),
    });
    set(
        &mut body,
        "familyRemaining",
        dollars(FAMILY_LIMIT_CENTS.saturating_sub(FAMILY_CENTS)).into(),
    );
    writer.house("accumulator", &id, who, Privacy::Ordinary, body);
    for pointer in ["/used", "/remaining"] {
        writer.part(pointer, Privacy::Sensitive);
    }
    for pointer in ["/familyUsed", "/familyRemaining"] {
        writer.part(pointer, family_total(who));
    }
}

/// The total of a family is kept from everybody in it; that of one person alone is their own.
fn family_total(who: Who) -> Privacy {
    if who == Who::Tomas { Privacy::Sensitive } else { Privacy::Nobody }
}
