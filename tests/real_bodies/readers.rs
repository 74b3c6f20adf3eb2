//! What each reader of a body must get and must not.

use super::bodies::{Body, Form};
use super::house::{self, Page};
use super::judge::{self, Chart, Eye, NOBODYS, Record};
use super::lists::{Hit, Lists};
use super::tally::Tally;
use super::{Given, family, raw, read, records};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Which of the upstream's records a reader got, by their order and names.
fn matched(upstream: &Chart, got: &[Record]) -> Vec<Option<usize>> {
    let mut matched = vec![None; upstream.records.len()];
    let mut next = 0;
    for (position, record) in got.iter().enumerate() {
        let is_it = |at: &usize| {
            let other = &upstream.records[*at];
            let nameless = other.name().ends_with('?');
            other.name() == record.name() && (!nameless || is_left_of(&record.value, &other.value))
        };
        let found = (next..upstream.records.len()).find(is_it);
        let at = found.unwrap_or_else(|| panic!("{} came from nowhere", record.name()));
        matched[at] = Some(position);
        next = at + 1;
    }
    matched
}

/// Whether one value may be what is left of another.
fn is_left_of(left: &Value, whole: &Value) -> bool {
    match (left, whole) {
        (Value::Object(left), Value::Object(whole)) => {
            left.iter().all(|(key, value)| whole.get(key).is_some_and(|of| is_left_of(value, of)))
        }
        (Value::Array(left), Value::Array(whole)) => left.len() <= whole.len(),
        (left, whole) => left == whole,
    }
}

/// Events with something sensitive in them, each by the number of such a record.
fn coloured(events: &[usize], hits: &[Vec<Hit>]) -> BTreeMap<usize, usize> {
    let colours = (0..hits.len()).filter(|at| hits[*at].iter().any(|hit| hit.event));
    colours.map(|at| (events[at], at)).collect()
}

/// A parent reads an adult dependent.
pub(super) fn mother(body: &Body, lists: &Lists, tally: &mut Tally) {
    let given = read(&body.target, &body.text, &family(&body.patients), "M-0");
    let place = format!("{}/{} {:?}", body.set, body.file, body.form);
    if given.refused.as_deref().is_some_and(|refusal| refusal != "not found") {
        tally.leaks.push(format!("{place} is refused: {:?}", given.refused));
        return;
    }
    let got = records(body.form, &given.text);
    let chart = &body.chart;
    let matched = matched(chart, &got);
    let (wide, narrow) = (chart.sensitive(Eye::Wide, lists), chart.sensitive(Eye::Narrow, lists));
    let events = chart.events();
    let (wide_events, narrow_events) = (coloured(&events, &wide), coloured(&events, &narrow));
    tally.of(&body.set, body.form.name()).bodies += 1;
    for (at, record) in chart.records.iter().enumerate() {
        if !record.is_somebodys() {
            continue;
        }
        let left = matched[at].map(|position| &got[position]);
        let own = !narrow[at].is_empty();
        let linked = !own && narrow_events.contains_key(&events[at]);
        count(body, at, left, (own, linked), lists, tally);
        if !own && !linked && !NOBODYS.contains(&record.kind.as_str()) {
            harmless(body, at, left, &given, tally);
        }
        let Some(left) = left else { continue };
        let mut why: Vec<String> =
            judge::hits(&left.value, Eye::Wide, lists).into_iter().map(|hit| hit.what).collect();
        why.extend(wide[at].first().map(|hit| hit.what.clone()));
        // A line of a stream is judged by itself.
        if let Some(other) = wide_events.get(&events[at]).filter(|_| body.form != Form::Lines) {
            why.push(format!("it is of one event with {}", chart.records[*other].name()));
        }
        if let Some(why) = why.first() {
            tally.leaks.push(format!("{place}: {} leaves, but: {why}", record.name()));
        }
    }
    names_of_the_withheld(body, &got, &matched, tally);
}

/// Counts a record of somebody.
fn count(
    body: &Body,
    at: usize,
    left: Option<&Record>,
    (own, linked): (bool, bool),
    lists: &Lists,
    tally: &mut Tally,
) {
    let record = &body.chart.records[at];
    let figures = tally.of(&body.set, body.form.name());
    figures.records += 1;
    figures.sensitive += usize::from(own);
    figures.linked += usize::from(linked);
    if record.kind == "ExplanationOfBenefit" {
        let names_it = !judge::hits(&record.value, Eye::Wide, lists).is_empty();
        figures.eobs.all += 1;
        figures.eobs.naming += usize::from(names_it);
        figures.eobs.withheld += usize::from(left.is_none());
        figures.eobs.by_link += usize::from(left.is_none() && !names_it);
    }
}

/// Counts a record that has nothing to do with anything sensitive: it should have left, with
/// nothing cut but what is cut from every record of others.
fn harmless(body: &Body, at: usize, left: Option<&Record>, given: &Given, tally: &mut Tally) {
    let record = &body.chart.records[at];
    let figures = tally.of(&body.set, body.form.name());
    figures.harmless += 1;
    figures.released += usize::from(left.is_some());
    if let Some(left) = left {
        let mut cuts = Vec::new();
        cut(&record.value, &left.value, &record.kind, &mut cuts);
        for (place, value) in cuts {
            if !is_cut_from_all_others(&place, &value) && is_r4(&body.set) {
                tally.leaks.push(format!("{}: {} lost {place}", body.file, record.name()));
            }
            *tally.cuts.entry(place).or_default() += 1;
        }
    } else if body.form != Form::Lines {
        let account = given.account.get(at);
        let evidence = account.into_iter().flat_map(|account| account.evidence.iter());
        let evidence: Vec<String> =
            evidence.take(2).map(|one| format!("{} {}", one.place, one.because)).collect();
        let rules = account.map(|account| account.rules.join(" ")).unwrap_or_default();
        let why = format!("{} {} {rules} {}", body.set, record.kind, evidence.join("; "));
        *tally.losses.entry(why).or_default() += 1;
    }
}

/// Bodies of the draft before R4 have elements that R4 does not.
fn is_r4(set: &str) -> bool {
    ["synthea", "carin", "inferno"].iter().any(|start| set.starts_with(start))
}

/// Places and values that one of two records has and the other has not.
fn cut(before: &Value, after: &Value, at: &str, cuts: &mut Vec<(String, Value)>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                match after.get(key) {
                    Some(left) => cut(value, left, &format!("{at}.{key}"), cuts),
                    None => cuts.push((format!("{at}.{key}"), value.clone())),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let mut rest = after.iter();
            let mut next = rest.next();
            for one in before {
                if next.is_some_and(|left| is_left_of(left, one)) {
                    cut(one, next.unwrap_or(&Value::Null), at, cuts);
                    next = rest.next();
                } else {
                    cuts.push((format!("{at}[]"), one.clone()));
                }
            }
            assert!(next.is_none(), "an array at {at} has what the upstream has not");
        }
        (before, after) => assert_eq!(before, after, "a value was changed at {at}"),
    }
}

/// What DESIGN cuts from every record of others: narrative, labels and versions, extensions but a
/// few, prose, contact, totals, codes outside clinical places that nobody can read, and references
/// to what is withheld or out of sight.
fn is_cut_from_all_others(place: &str, value: &Value) -> bool {
    const PLACES: [&str; 23] = [
        "text",
        "meta",
        "security",
        "tag",
        "versionId",
        "lastUpdated",
        "address",
        "telecom",
        "contact",
        "photo",
        "benefitBalance",
        "valueString",
        "note",
        "description",
        "presentedForm",
        "data",
        "title",
        "disposition",
        "conclusion",
        "processNote",
        "payload",
        "questionnaire",
        "provision",
    ];
    let last = place.rsplit('.').next().unwrap().trim_end_matches("[]");
    let mut points = false;
    judge::references(value, &mut |_, _| points = true);
    let hash_or_url = place.contains("attachment.");
    // A reference by identifier to nobody known; a value of another form than the element has.
    let odd = place.ends_with("payor.identifier")
        || (last == "communication" && value[0]["language"].is_string());
    let is_extension = last == "extension" || last.starts_with('_') || holds_only_extensions(value);
    let mute = last == "code" && !value.to_string().contains("\"display\"");
    odd || points
        || mute
        || is_extension
        || hash_or_url
        || PLACES.contains(&last)
        || place.ends_with("reference")
}

fn holds_only_extensions(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().all(holds_only_extensions),
        Value::Object(members) => {
            members.keys().all(|key| key == "extension" || key.starts_with('_'))
        }
        _ => false,
    }
}

/// No name of a withheld record is left in any other.
fn names_of_the_withheld(
    body: &Body,
    got: &[Record],
    matched: &[Option<usize>],
    tally: &mut Tally,
) {
    let withheld = body.chart.records.iter().zip(matched);
    let hidden: BTreeSet<&str> = withheld
        .filter(|(record, position)| position.is_none() && record.is_somebodys())
        .filter_map(|(record, _)| record.value["id"].as_str())
        .filter(|id| id.len() > 8 && !body.patients.iter().any(|patient| patient == id))
        .collect();
    for record in got {
        judge::strings(&record.value, "", &mut |_, text| {
            let name = judge::name_of(text);
            let id = name.rsplit(['/', ':']).next().unwrap();
            if hidden.contains(id) && record.value["id"] != id {
                let place = format!("{}/{} {:?}", body.set, body.file, body.form);
                tally.leaks.push(format!("{place}: {} names the withheld {name}", record.name()));
            }
        });
    }
}

/// Patients read themselves: every record that is theirs alone comes byte for byte (there are no
/// psychotherapy notes and no family totals in these bodies), and nobody else's.
pub(super) fn patients(body: &Body, tally: &mut Tally) {
    let register = family(&body.patients);
    for (number, id) in body.patients.iter().enumerate().take(3) {
        let given = read(&body.target, &body.text, &register, &format!("M-{}", number + 1));
        let place = format!("{}/{} {:?} read by {id}", body.set, body.file, body.form);
        if given.refused.as_deref().is_some_and(|refusal| refusal != "not found") {
            tally.leaks.push(format!("{place} is refused: {:?}", given.refused));
            continue;
        }
        let got = records(body.form, &given.text);
        let matched = matched(&body.chart, &got);
        let mine = BTreeSet::from([id.clone()]);
        for (record, position) in body.chart.records.iter().zip(&matched) {
            // By itself, a line does not tell whose a Provenance's targets are.
            let told_by_others = record.kind == "Provenance" && body.form == Form::Lines;
            if record.patients == mine && !told_by_others && given.refused.is_none() {
                let same = position.is_some_and(|position| got[position].raw == record.raw);
                let figures = tally.of(&body.set, body.form.name());
                figures.own += 1;
                figures.own_same += usize::from(same);
                if !same {
                    tally
                        .leaks
                        .push(format!("{place}: their own {} is not as it was", record.name()));
                }
            } else if position.is_some() && is_anothers(record, &mine) {
                tally.leaks.push(format!("{place}: {} is about somebody else", record.name()));
            }
        }
        as_a_whole(body, &matched, &given, &place, tally);
    }
}

fn is_anothers(record: &Record, mine: &BTreeSet<String>) -> bool {
    let nobodys = NOBODYS.contains(&record.kind.as_str());
    !nobodys && record.is_somebodys() && !record.patients.contains(mine.first().unwrap())
}

/// A body of which every record came, with nothing around them but what the envelope lists, came
/// as a whole.
fn as_a_whole(
    body: &Body,
    matched: &[Option<usize>],
    given: &Given,
    place: &str,
    tally: &mut Tally,
) {
    let listed =
        |json: &str, keys: &[&str]| raw::members(json).iter().all(|(key, _)| keys.contains(key));
    let entries = || raw::elements(raw::member(&body.text, "entry").unwrap_or("[]"));
    let url_stays =
        |entry: &str| raw::member(entry, "fullUrl").is_none_or(|url| url.starts_with("\"urn:"));
    let plain = body.form == Form::Everything
        && matched.iter().all(Option::is_some)
        && listed(&body.text, &["resourceType", "type", "entry"])
        && entries().iter().all(|entry| {
            url_stays(entry) && listed(entry, &["fullUrl", "resource", "search", "request"])
        });
    if plain {
        tally.of(&body.set, body.form.name()).whole += 1;
        if given.text != body.text {
            tally.leaks.push(format!("{place}: the body is not as it was"));
        }
    }
}

/// A brother on the same contract gets nothing about anybody but himself.
pub(super) fn brother(body: &Body, tally: &mut Tally) {
    let given = read(&body.target, &body.text, &family(&body.patients), "M-brother");
    let nothing = match body.form {
        Form::Everything => given.refused.as_deref() == Some("not found"),
        Form::Search => given.text == r#"{"resourceType":"Bundle","type":"searchset"}"#,
        Form::Lines => given.text.is_empty(),
    };
    if !nothing {
        let place = format!("{}/{} {:?}", body.set, body.file, body.form);
        tally.leaks.push(format!("{place}: a brother gets something: {:?}", given.refused));
    }
}

/// Mother, patient and brother read the claims of a bundle in house JSON.
pub(super) fn house(body: &Body, lists: &Lists, tally: &mut Tally) {
    for page in house::pages(body) {
        let upstream = house::claims(&page.text);
        let values: Vec<Value> =
            upstream.iter().map(|claim| serde_json::from_str(claim).unwrap()).collect();
        let place = format!("{}/{} as {}", body.set, body.file, page.target);
        let ids = |claims: &[&str]| -> Vec<String> {
            claims.iter().filter_map(|one| raw::member(one, "claimId")).map(str::to_owned).collect()
        };
        let register = family(&body.patients);
        let given = read(page.target, &page.text, &register, "M-0");
        let got = house::claims(&given.text);
        if given.refused.is_some() && page.target.ends_with("claims") {
            tally.leaks.push(format!("{place} is refused: {:?}", given.refused));
        }
        let left = ids(&got);
        let (wide, narrow) =
            (house::judge(&values, Eye::Wide, lists), house::judge(&values, Eye::Narrow, lists));
        let figures = tally.of(&body.set, "house");
        figures.bodies += 1;
        let mut found = Vec::new();
        for (at, id) in ids(&upstream).iter().enumerate() {
            let released = left.contains(id);
            let own = !narrow.own[at].is_empty();
            let linked = !own && narrow.visit[at].is_some();
            figures.records += 1;
            figures.sensitive += usize::from(own);
            figures.linked += usize::from(linked);
            figures.harmless += usize::from(!own && !linked);
            figures.released += usize::from(!own && !linked && released);
            let why = wide.own[at].first().map(|hit| hit.what.clone());
            if let Some(why) = why.or_else(|| wide.visit[at].clone()).filter(|_| released) {
                found.push(format!("{place}: claim {id} leaves, but: {why}"));
            }
        }
        tally.leaks.extend(found);
        house_of_oneself(body, &page, &upstream, tally);
        let given = read(page.target, &page.text, &register, "M-brother");
        if !house::claims(&given.text).is_empty() {
            tally.leaks.push(format!("{place}: a brother gets claims"));
        }
    }
}

/// One's own page comes as it was.
fn house_of_oneself(body: &Body, page: &Page, upstream: &[&str], tally: &mut Tally) {
    let given = read(page.target, &page.text, &family(&body.patients), "M-1");
    let same = given.text == page.text;
    let figures = tally.of(&body.set, "house");
    figures.own += upstream.len();
    figures.own_same += if same { upstream.len() } else { 0 };
    figures.whole += usize::from(same);
    if !same {
        let place = format!("{}/{} as {}", body.set, body.file, page.target);
        tally.leaks.push(format!("{place}: their own page is not as it was: {:?}", given.refused));
    }
}
