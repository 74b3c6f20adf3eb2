//! The judge can find against us: what the payer sends, passed through, is full of leaks, and
//! nothing at all is full of losses.

use super::super::client::Ask;
use super::super::family::Privacy;
use super::super::payer_api::{Asked, answer};
use super::super::walk;
use super::*;
use jiff::civil::date;

fn world() -> World {
    World::on(date(2026, 11, 21))
}

/// What a reader would hear without a proxy.
fn raw(world: &World, reader: Who, asks: &[Ask]) -> Vec<Heard> {
    let hear = |ask: &Ask| {
        let form = ask.form.as_deref().unwrap_or_default();
        let answer = answer(world, &Asked::read(&ask.target, form, "payer"));
        let (status, body) = (answer.status.as_u16(), answer.body.into_bytes());
        Heard { reader, ask: ask.clone(), status, headers: Vec::new(), body }
    };
    asks.iter().map(hear).collect()
}

fn found(judgement: &Judgement, reader: Who) -> Vec<&str> {
    let leaks = judgement.leaks.iter().filter(|leak| leak.reader == reader);
    leaks.map(|leak| leak.what.as_str()).collect()
}

#[test]
fn without_a_proxy_everything_leaks() {
    let world = world();
    let asks = [walk::everything(Who::Ingrid), walk::claims(Who::Ingrid)];
    let judgement = judge(&world, &raw(&world, Who::Ruth, &asks)).unwrap();
    let found = found(&judgement, Who::Ruth);
    for secret in ["F33.1", "90837", "Okafor", "Lena Okafor", "40 Harbor Road", "44261-6"] {
        assert!(found.contains(&secret), "{secret} not found");
    }
    assert!(found.iter().any(|what| what.starts_with("the DocumentReference")));
    assert!(found.iter().any(|what| what.starts_with("Spoke of her mother")));
}

#[test]
fn every_secret_record_is_found_by_its_id_wherever_it_is_named() {
    let world = world();
    let secrets = Secrets::of(&world, Who::Ruth).unwrap();
    let secret =
        |record: &&Record| record.subjects == [Who::Ingrid] && !record.may_be_seen_by(Who::Ruth);
    for record in world.records.iter().filter(secret) {
        let found = secrets.found_in(format!("see {}", record.id).as_bytes());
        assert!(found.contains(&record.id), "{}", record.id);
    }
}

#[test]
fn a_daughter_with_her_own_records_has_no_leaks_but_the_notes() {
    let world = world();
    let asks = [walk::everything(Who::Ingrid)];
    let judgement = judge(&world, &raw(&world, Who::Ingrid, &asks)).unwrap();
    let found = found(&judgement, Who::Ingrid);
    let notes = world.records.iter().filter(|record| record.privacy == Privacy::Nobody);
    assert_eq!(found.iter().filter(|what| what.starts_with("the ")).count(), notes.count());
    assert!(!found.contains(&"F33.1"));
}

#[test]
fn one_byte_too_much_is_a_leak_and_one_too_few_a_loss() {
    let world = world();
    let claim =
        world.records.iter().find(|r| r.kind == "claim" && r.is_owed_to(Who::Nils)).unwrap();
    let body = claim.as_seen_by(Who::Nils).to_string();
    let heard = |body: String| Heard {
        reader: Who::Nils,
        ask: Ask::get(format!("/api/v1/claims/{}", claim.id)),
        status: 200,
        headers: Vec::new(),
        body: body.into_bytes(),
    };
    let lost = |judgement: &Judgement| {
        judgement
            .losses
            .iter()
            .any(|loss| loss.reader == Who::Nils && loss.what.contains(&claim.id))
    };
    let whole = judge(&world, &[heard(body.clone())]).unwrap();
    assert!(whole.leaks.is_empty() && !lost(&whole), "{:?}", whole.leaks);
    let changed = judge(&world, &[heard(body.replacen("paid", "paix", 1))]).unwrap();
    assert!(lost(&changed));
    let more = judge(&world, &[heard(body.replacen("paid", "Okafor", 1))]).unwrap();
    assert_eq!(more.leaks.len(), 1);
}

#[test]
fn nothing_at_all_is_a_loss_to_everybody() {
    let world = world();
    let judgement = judge(&world, &[]).unwrap();
    assert!(judgement.leaks.is_empty());
    for who in Who::ALL {
        assert!(judgement.losses.iter().any(|loss| loss.reader == who), "{who:?}");
    }
}

#[test]
fn a_secret_in_a_header_or_in_the_log_is_found() {
    let world = world();
    let mut heard = raw(&world, Who::Ruth, &[Ask::get("/fhir/Patient/p-100")]);
    heard[0].headers.push(("link".to_owned(), "<Encounter?reason=F33.1>".to_owned()));
    let judgement = judge(&world, &heard).unwrap();
    assert!(found(&judgement, Who::Ruth).contains(&"F33.1 (in `link`)"));
    let log = r#"{"reader":"M-100","route":"GET /fhir/Patient/{id}","bytes":90837,"code":"90837","q":"F33.1"}"#;
    let clinical = clinical_in(&world, log).unwrap();
    assert_eq!(clinical, ["\"90837\"", "F33.1"]);
}
