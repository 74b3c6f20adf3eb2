//! The story, scene by scene: who asks for what, in words; and what they got, counted against
//! what the payer sent.

use super::client::Ask;
use super::family::Who;
use super::walk::{benefits, claims, everything};
use super::world::{Api, Record, World};
use Who::{Ingrid, Maja, Nils, Per, Ruth, Tomas};

/// A scene.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) heading: &'static str,
    /// What happens, as it would be told.
    pub(super) told: &'static str,
    pub(super) turns: Vec<Turn>,
}

/// One request of a scene.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) reader: Who,
    /// What is asked for, in words.
    pub(super) words: String,
    pub(super) ask: Ask,
    /// Whether the answer must be, byte for byte, that of the turn before.
    pub(super) same_as_before: bool,
}

fn turn(reader: Who, words: &str, ask: Ask) -> Turn {
    Turn { reader, words: words.to_owned(), ask, same_as_before: false }
}

fn same(reader: Who, words: &str, ask: Ask) -> Turn {
    Turn { same_as_before: true, ..turn(reader, words, ask) }
}

/// The scenes in order.
pub(super) fn scenes(world: &World) -> Vec<Scene> {
    vec![
        mother_reads_daughter(),
        mother_looks_closer(world),
        mother_reads_money_and_mail(),
        mother_reads_what_is_hers(),
        daughter_reads_herself(),
        son(),
        brothers_and_sisters(),
        husband_and_wife(),
        neighbour(),
    ]
}

fn mother_reads_daughter() -> Scene {
    Scene {
        heading: "The mother opens her daughter's records",
        told: "For three years she could read every word. Ingrid is 25, an adult: her therapist, the visits, \
               the tablets, the scores and the bills are hers alone. Her ankle, her teeth and her flu shot \
               still show, as a policy holder may expect. Where an answer lacks the visit that tells what a \
               bill is for, the proxy looks it up.",
        turns: vec![
            turn(Ruth, "Ingrid's whole medical record", everything(Ingrid)),
            turn(Ruth, "Ingrid's explanations of benefits, and visits", benefits(Ingrid)),
            turn(
                Ruth,
                "the same, without the visits",
                Ask::get("/fhir/ExplanationOfBenefit?patient=p-102&_count=200"),
            ),
            turn(Ruth, "Ingrid's claims in the portal", claims(Ingrid)),
            turn(Ruth, "Ingrid's prescriptions", Ask::get("/api/v1/members/M-102/prescriptions")),
            turn(Ruth, "Ingrid's care team", Ask::get("/api/v1/members/M-102/care-team")),
            turn(Ruth, "an export of all diagnoses", Ask::get("/fhir/export/Condition.ndjson")),
        ],
    }
}

/// The first record of the daughter's that fits, and it is a secret.
fn secret<'w>(world: &'w World, api: Api, kind: &str) -> Option<&'w Record> {
    let of_daughter = |record: &&Record| record.subjects == [Ingrid];
    let records = world.records.iter().filter(of_daughter).filter(|record| record.api == api);
    records.filter(|record| record.kind == kind).find(|record| !record.may_be_seen_by(Ruth))
}

fn mother_looks_closer(world: &World) -> Scene {
    let id = |api, kind| secret(world, api, kind).map_or("none", |record| record.id.as_str());
    let claim = id(Api::House, "claim");
    let encounter = id(Api::Fhir, "Encounter");
    Scene {
        heading: "She suspects something and looks closer",
        told: "She has a bill's number from an old letter, and guesses at others. A bill that is hidden and \
               one that never was are answered alike, to the byte. She may not search by diagnosis either: \
               the number of hits would be an answer.",
        turns: vec![
            turn(Ruth, "a claim that does not exist", Ask::get("/api/v1/claims/CLM-0000")),
            same(Ruth, "the claim of a session", Ask::get(format!("/api/v1/claims/{claim}"))),
            turn(Ruth, "a visit that does not exist", Ask::get("/fhir/Encounter/enc-0000")),
            same(Ruth, "the visit of a session", Ask::get(format!("/fhir/Encounter/{encounter}"))),
            turn(
                Ruth,
                "documents of nobody there is",
                Ask::get("/fhir/DocumentReference?patient=p-999"),
            ),
            same(Ruth, "Ingrid's documents", Ask::get("/fhir/DocumentReference?patient=p-102")),
            turn(
                Ruth,
                "Ingrid's conditions, by code",
                Ask::get("/fhir/Condition?patient=p-102&code=F33.1"),
            ),
        ],
    }
}

fn mother_reads_money_and_mail() -> Scene {
    let family = |page: &str| Ask::get(format!("/api/v1/family/C-1{page}"));
    Scene {
        heading: "She reads the family's page, its money and its mail",
        told: "A deductible that goes down every week tells of weekly visits. So running totals of adults and \
               of the family stay away, and payments and letters are judged line by line.",
        turns: vec![
            turn(Ruth, "the family's page", family("")),
            turn(Ruth, "the family's claims", family("/claims?pageSize=200")),
            turn(Ruth, "deductibles and counters", family("/accumulators")),
            turn(Ruth, "payments", family("/payments")),
            turn(Ruth, "letters", family("/letters")),
            turn(Ruth, "messages", family("/messages")),
        ],
    }
}

fn mother_reads_what_is_hers() -> Scene {
    Scene {
        heading: "She reads what is hers, and what is the child's",
        told: "Nothing is taken from her own records. And Maja is 8: her parents bring her to the speech \
               therapist and read all of it.",
        turns: vec![
            turn(Ruth, "her own whole record", everything(Ruth)),
            turn(Ruth, "her own claims in the portal", claims(Ruth)),
            turn(Ruth, "Maja's whole record", everything(Maja)),
            turn(Ruth, "Maja's claims in the portal", claims(Maja)),
        ],
    }
}

fn daughter_reads_herself() -> Scene {
    Scene {
        heading: "The daughter reads herself",
        told: "Everything about her is there, the therapy too. Missing are the therapist's private session \
               notes, which the payer should never have been sent: the law keeps them from everybody's view \
               unless released by name. She is told so, and where to ask.",
        turns: vec![
            turn(Ingrid, "her own whole record", everything(Ingrid)),
            turn(Ingrid, "her own explanations of benefits, and visits", benefits(Ingrid)),
            turn(Ingrid, "her own claims in the portal", claims(Ingrid)),
            turn(
                Ingrid,
                "her own conditions, by code",
                Ask::get("/fhir/Condition?patient=p-102&code=F33.1"),
            ),
        ],
    }
}

fn son() -> Scene {
    Scene {
        heading: "The son, 16, in California",
        told: "There a minor of his age may see a counsellor without asking his parents. They see his wrist and \
               his skin, not the counsellor. He sees all of it.",
        turns: vec![
            turn(Ruth, "his mother: his whole record", everything(Nils)),
            turn(Per, "his father: his whole record", everything(Nils)),
            turn(Nils, "Nils: his own whole record", everything(Nils)),
        ],
    }
}

fn brothers_and_sisters() -> Scene {
    Scene {
        heading: "Brothers and sisters",
        told: "They are on the same contract, and that is all. None of them reads another, nor their parents.",
        turns: vec![
            turn(Nils, "Nils: Ingrid's whole record", everything(Ingrid)),
            turn(Ingrid, "Ingrid: her mother's whole record", everything(Ruth)),
            turn(Maja, "Maja: her brother's claims", claims(Nils)),
            turn(
                Nils,
                "Nils: the family's claims, which are his own",
                Ask::get("/api/v1/family/C-1/claims?pageSize=200"),
            ),
        ],
    }
}

fn husband_and_wife() -> Scene {
    Scene {
        heading: "Husband and wife",
        told: "It is not about mothers. Per sees a counsellor about his drinking, Ruth had herself advised on what \
               runs in her family: each is an adult, and neither reads that of the other.",
        turns: vec![
            turn(Ruth, "Ruth: his whole record", everything(Per)),
            turn(Per, "Per: her whole record", everything(Ruth)),
            turn(Per, "Per: his own whole record", everything(Per)),
        ],
    }
}

fn neighbour() -> Scene {
    Scene {
        heading: "A neighbour",
        told: "He has a valid token and another contract. To him there is no such family.",
        turns: vec![
            turn(Tomas, "a family that does not exist", Ask::get("/api/v1/family/C-9")),
            same(Tomas, "the family's page", Ask::get("/api/v1/family/C-1")),
            turn(
                Tomas,
                "bills of nobody there is",
                Ask::get("/fhir/ExplanationOfBenefit?patient=p-999"),
            ),
            same(Tomas, "Ingrid's bills", Ask::get("/fhir/ExplanationOfBenefit?patient=p-102")),
            turn(Tomas, "his own whole record", everything(Tomas)),
        ],
    }
}
