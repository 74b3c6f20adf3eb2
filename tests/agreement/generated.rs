//! Bodies made up from the shapes of this repository.

use super::oracle::beside::World;
use super::oracle::shape::Shape;
use super::oracle::{Oracle, Response};
use super::random::{Json, Random};
use super::shrink::shrink;
use super::vocabulary::Vocabulary;
use super::{CHUNK_BYTES, Tally, agree, difference, families, fhir, files, house, oracle, setting};

/// One case: a family and a response that one of them is to read.
struct Case {
    family: super::Family,
    target: String,
    content_type: &'static str,
    body: String,
    /// What may be looked up.
    world: Option<World>,
}

impl Case {
    fn response<'r>(&'r self, body: &'r [u8]) -> Response<'r> {
        let (target, content_type) = (self.target.as_str(), self.content_type);
        Response { method: "GET", target, status: 200, content_type, body }
    }
}

fn vocabulary() -> Vocabulary {
    let lists: Vec<(String, String)> =
        files().codes.iter().map(|f| (f.path.to_string(), f.text.to_string())).collect();
    Vocabulary::new(&lists)
}

fn shape(oracle: &Oracle, fhir: bool) -> &Shape {
    oracle.shapes.iter().find(|shape| shape.fhir == fhir).unwrap()
}

fn fhir_case(oracle: &Oracle, words: &Vocabulary, seed: u64) -> Case {
    let mut random = Random::new(seed);
    let family = families::family(&mut random);
    let people = family.rows.len();
    let shape = shape(oracle, true);
    let sort = random.below(10);
    let odd = random.once_in(2);
    let mut maker = fhir::Maker::new(shape, words, &mut random, people);
    let bundle = maker.bundle();
    let kinds: Vec<String> = maker.entries.iter().map(|entry| entry.kind.clone()).collect();
    let known =
        |kind: &String| if kind == "Novelty" { "Condition".to_owned() } else { kind.clone() };
    let (target, content_type, body) = match sort {
        0..5 => {
            let kind = known(random.pick(&kinds));
            (
                format!("/fhir/{kind}"),
                "application/fhir+json",
                bundle.write(&mut random, odd, false),
            )
        }
        5..8 => {
            let target = "/fhir/Patient/p-1/$everything".to_owned();
            (target, "application/json; charset=utf-8", bundle.write(&mut random, odd, false))
        }
        8 => {
            let one = resources(&bundle).remove(0);
            let kind = known(&one.member("resourceType").unwrap_or_default().to_owned());
            (
                format!("/fhir/{kind}/x0"),
                "application/fhir+json",
                one.write(&mut random, odd, false),
            )
        }
        _ => {
            let lines: Vec<String> =
                resources(&bundle).iter().map(|one| one.write(&mut random, odd, true)).collect();
            let end = if random.once_in(2) { "\n" } else { "" };
            let between = if random.once_in(8) { "\n\n" } else { "\n" };
            let body = lines.join(between) + end;
            ("/fhir/export/some.ndjson".to_owned(), "application/fhir+ndjson", body)
        }
    };
    Case { family, target, content_type, body, world: None }
}

/// A body of which some is left out, to be looked up or not to be found.
fn look_up_case(oracle: &Oracle, words: &Vocabulary, seed: u64) -> Case {
    let mut random = Random::new(seed);
    let family = families::family(&mut random);
    let people = family.rows.len();
    let mut maker = fhir::Maker::new(shape(oracle, true), words, &mut random, people);
    maker.one_person = !maker.random.once_in(6);
    let bundle = maker.bundle();
    let mut away = Vec::new();
    for kind in ["Encounter", "Claim", "Condition", "Practitioner", "Medication"] {
        if !maker.random.once_in(3) {
            away.push(maker.resource(kind, "away", 0));
        }
    }
    let Json::Object(members) = bundle else { return fhir_case(oracle, words, seed) };
    let mut world = World::new();
    let mut kept = Vec::new();
    for (name, value) in members {
        let Json::Array(entries) = &value else {
            kept.push((name, value));
            continue;
        };
        let mut stay = Vec::new();
        for entry in entries {
            let alone = Json::Object(vec![("entry".to_owned(), Json::Array(vec![entry.clone()]))]);
            match resources(&alone).pop().filter(|_| name == "entry" && random.once_in(2)) {
                Some(resource) => away.push(resource),
                None => stay.push(entry.clone()),
            }
        }
        kept.push((name, Json::Array(stay)));
    }
    for resource in away {
        let kind = resource.member("resourceType").unwrap_or_default().to_owned();
        let id = resource.member("id").unwrap_or("nameless").to_owned();
        let id = if random.once_in(12) { format!("{id}9") } else { id };
        let mut body = resource.write(&mut random, false, false);
        if random.once_in(12) {
            body.pop();
        }
        world.insert(format!("/fhir/{kind}/{id}"), body.into_bytes());
    }
    let bundle = Json::Object(kept);
    let (target, content_type, body) = if random.once_in(3) {
        let lines: Vec<String> =
            resources(&bundle).iter().map(|one| one.write(&mut random, false, true)).collect();
        ("/fhir/export/some.ndjson", "application/fhir+ndjson", lines.join("\n"))
    } else {
        let body = bundle.write(&mut random, false, false);
        ("/fhir/Encounter", "application/fhir+json", body)
    };
    Case { family, target: target.to_owned(), content_type, body, world: Some(world) }
}

fn resources(bundle: &Json) -> Vec<Json> {
    let Json::Object(members) = bundle else { return Vec::new() };
    let entries = members.iter().find(|(key, _)| key == "entry").map(|(_, entries)| entries);
    let Some(Json::Array(entries)) = entries else { return Vec::new() };
    let resource = |entry: &Json| match entry {
        Json::Object(members) => {
            members.iter().find(|(key, _)| key == "resource").map(|(_, value)| value.clone())
        }
        _ => None,
    };
    entries.iter().filter_map(resource).collect()
}

fn house_case(oracle: &Oracle, words: &Vocabulary, seed: u64) -> Case {
    let mut random = Random::new(seed);
    let mut family = families::family(&mut random);
    let shape = shape(oracle, false);
    let people = family.rows.len();
    let mut maker = house::Maker { shape, words, random: &mut random, people };
    let (target, body) = if maker.random.once_in(6) {
        let place = shape.records.iter().find(|place| place.kind == "claim").unwrap();
        ("/api/v1/claims/X-1".to_owned(), maker.record(place))
    } else {
        ("/api/v1/family/C-1".to_owned(), maker.body())
    };
    if random.once_in(2) {
        // Somebody who is on the contract, so that it is not a 404 each time.
        family.reader = "M-0".to_owned();
    }
    let odd = random.once_in(2);
    let body = body.write(&mut random, odd, false);
    Case { family, target, content_type: "application/json", body, world: None }
}

fn compare(sort: &str, make: fn(&Oracle, &Vocabulary, u64) -> Case) {
    let words = vocabulary();
    let count = setting("AGREEMENT_BODIES", 150);
    let first = setting("AGREEMENT_SEED", 1);
    let most = setting("AGREEMENT_DIFFERENCES", 5);
    let mut oracles = [oracle(None), oracle(Some("https://members.example"))];
    let mut differences = 0;
    let mut tally = Tally::default();
    for seed in first..first + count {
        let oracle = &mut oracles[usize::from(seed % 3 == 0)];
        let case = make(oracle, &words, seed);
        oracle.world.clone_from(&case.world);
        let oracle = &*oracle;
        tally.count(oracle, &case.family, case.response(case.body.as_bytes()));
        let Err(why) =
            agree(oracle, &case.family, case.response(case.body.as_bytes()), &CHUNK_BYTES)
        else {
            continue;
        };
        differences += 1;
        let small = shrink(case.body.as_bytes(), 3000, |body| {
            let other = difference(oracle, &case.family, case.response(body), 0);
            let head = |why: &str| {
                if why.starts_with("bytes") { "bytes".to_owned() } else { why.to_owned() }
            };
            other.is_some_and(|other| head(&other) == head(&why))
        });
        tell(oracle, &case, &small, seed, &why);
        if differences >= most {
            break;
        }
    }
    eprintln!("{sort}: {tally:?}");
    assert_eq!(differences, 0, "{sort}: the engine and the second redactor differ");
}

fn tell(oracle: &Oracle, case: &Case, small: &[u8], seed: u64, why: &str) {
    let response = case.response(small);
    let expected = oracle.judge(&case.family, response);
    let given = super::engine(oracle, &case.family, response, 0);
    eprintln!("---- seed {seed}: {} read by {}", case.target, case.family.reader);
    for row in &case.family.rows {
        eprintln!(
            "  {} {} {} {} {:?} {:?}",
            row.member, row.contract, row.relationship, row.birth, row.from, row.until
        );
    }
    eprintln!("  grants {:?} restrictions {:?}", case.family.grants, case.family.restrictions);
    if small.len() > 6000 {
        eprintln!("{why}");
    }
    eprintln!("  body   {}", String::from_utf8_lossy(small));
    eprintln!(
        "  engine {:?} note {} {}",
        given.refused,
        given.own_note_withheld,
        String::from_utf8_lossy(&given.body)
    );
    eprintln!(
        "  oracle {:?} note {} {}",
        expected.refused,
        expected.own_note_withheld,
        String::from_utf8_lossy(&expected.body)
    );
    for seen in expected.records {
        eprintln!("    {seen:?}");
    }
}

#[test]
fn generated_fhir_bodies_are_judged_alike() {
    compare("fhir", fhir_case);
}

#[test]
fn generated_bodies_with_look_ups_are_judged_alike() {
    compare("look-ups", look_up_case);
}

#[test]
fn generated_house_bodies_are_judged_alike() {
    compare("house", house_case);
}
