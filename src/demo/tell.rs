//! The demo in words: the story as it is played, the verdict, and what to try by hand.

use super::client::Heard;
use super::family::Who;
use super::judge::{self, Judgement, records_in};
use super::payer_api::{self, Asked};
use super::stage::Stage;
use super::story::{Scene, Turn};
use super::walk;
use super::world::{Api, Record, World};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Widest line, characters.
const WIDTH: usize = 96;

/// Widest description of a request, characters.
const WORDS: usize = 46;

/// Most leaks or losses that are listed.
const LISTED_MAX: usize = 20;

/// Writes a paragraph, broken into lines.
fn paragraph(out: &mut dyn Write, indent: &str, text: &str) -> io::Result<()> {
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        let is_first = line.len() == indent.len();
        if !is_first && line.chars().count().saturating_add(word.chars().count()) >= WIDTH {
            writeln!(out, "{line}")?;
            indent.clone_into(&mut line);
        }
        if line.len() != indent.len() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

/// Who they are, and what the payer holds.
pub(super) fn opening(out: &mut dyn Write, world: &World) -> io::Result<()> {
    writeln!(out, "SEQUESTER: a demonstration\n")?;
    let count = |api| world.records.iter().filter(|record| record.api == api).count();
    let text = format!(
        "A family is insured together. Behind the proxy stands the payer's API as it is in life: it holds {} FHIR \
         records and {} of the portal's own, and gives them to whoever shows a token. All people are invented.",
        count(Api::Fhir),
        count(Api::House)
    );
    paragraph(out, "", &text)?;
    writeln!(out)?;
    for who in Who::ALL {
        writeln!(out, "  {:<18}{}", who.full_name(), who.person().role)?;
    }
    Ok(())
}

/// Plays a scene and tells what everybody got. Says whether the answers that must be alike are.
pub(super) async fn scene(
    out: &mut dyn Write,
    stage: &Stage,
    number: usize,
    scene: &Scene,
    heard: &mut Vec<Heard>,
) -> io::Result<bool> {
    writeln!(out, "\n{number}. {}\n", scene.heading)?;
    paragraph(out, "   ", scene.told)?;
    writeln!(out)?;
    let mut alike = true;
    let mut before: Option<Heard> = None;
    for turn in &scene.turns {
        let asks = std::slice::from_ref(&turn.ask);
        let Some(answer) = stage.ask(turn.reader, asks).await?.into_iter().next() else { continue };
        let is_same = before.as_ref().is_some_and(|before| {
            before.status == answer.status
                && before
                    .headers
                    .iter()
                    .filter(|(name, _)| is_said(name))
                    .eq(answer.headers.iter().filter(|(name, _)| is_said(name)))
                && before.body == answer.body
        });
        alike &= is_same || !turn.same_as_before;
        writeln!(out, "   {:<WORDS$}  {}", turn.words, got(stage, turn, &answer, is_same))?;
        if let Some((_, notes)) =
            answer.headers.iter().find(|(name, _)| name == "sequester-withheld")
        {
            writeln!(out, "   {:<WORDS$}  told to her: Sequester-Withheld: {notes}", "")?;
        }
        before = Some(answer.clone());
        heard.push(answer);
    }
    Ok(alike)
}

/// A header that says something of the answer, not of the moment.
fn is_said(name: &str) -> bool {
    name != "date" && !name.starts_with("ratelimit")
}

fn got(stage: &Stage, turn: &Turn, answer: &Heard, is_same: bool) -> String {
    let form = turn.ask.form.as_deref().unwrap_or_default();
    let asked = Asked::read(&turn.ask.target, form, "payer").at_once();
    let sent = count(payer_api::answer(&stage.world, &asked).body.as_bytes());
    let alike = match (turn.same_as_before, is_same) {
        (false, _) => "",
        (true, true) => ": the same answer, to the byte",
        (true, false) => ": ANOTHER ANSWER",
    };
    match answer.status {
        200 => format!("{} of {sent} records{alike}", count(&answer.body)),
        404 => format!("404, no such thing{alike}"),
        400 => "400, not a question that may be asked".to_owned(),
        other => other.to_string(),
    }
}

/// Records about people in an answer.
fn count(body: &[u8]) -> usize {
    let directory = ["Practitioner", "Organization"];
    records_in(body).iter().filter(|(_, kind, ..)| !directory.contains(&kind.as_str())).count()
}

/// What was kept from the mother about the daughter, by kind.
pub(super) fn kept(out: &mut dyn Write, world: &World, judgement: &Judgement) -> io::Result<()> {
    let seen = judgement.seen.get(&Who::Ruth);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, record) in world.records.iter().enumerate() {
        let shown = seen.is_some_and(|seen| seen.contains(&number));
        if record.subjects.contains(&Who::Ingrid) && !shown {
            let count = kinds.entry(called(record)).or_default();
            *count = count.saturating_add(1);
        }
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let text = format!("Of Ingrid's records the mother got none of these: {}.", kinds.join(", "));
    paragraph(out, "", &text)
}

/// A kind of record in plain words.
fn called(record: &Record) -> &'static str {
    match (record.api, record.kind) {
        (_, "ExplanationOfBenefit") => "explanations of benefits",
        (_, "Encounter") => "visits",
        (_, "Condition") => "diagnoses",
        (_, "Observation" | "QuestionnaireResponse") => "questionnaires and scores",
        (_, "MedicationRequest" | "MedicationDispense" | "prescription") => "prescriptions",
        (_, "DocumentReference") => "documents",
        (_, "claim") => "claims of the portal",
        (_, "payment-line" | "letter-section" | "message" | "Communication") => {
            "lines of payments, letters and messages"
        }
        (_, "Claim" | "ClaimResponse" | "authorization" | "ServiceRequest") => {
            "referrals and approvals"
        }
        _ => "plans, teams, appointments and counters",
    }
}

/// Whether everything held, and if not, what did not.
pub(super) fn verdict(
    out: &mut dyn Write,
    judgement: &Judgement,
    heard: &[Heard],
    alike: bool,
) -> io::Result<bool> {
    let bytes: usize = heard.iter().map(|heard| heard.body.len()).sum();
    let text = format!(
        "{} answers were searched, {} MB, for every text that stands only in what their reader must \
         not see: ids, codes, names, days and amounts.",
        heard.len(),
        bytes.div_ceil(1_000_000)
    );
    paragraph(out, "", &text)?;
    writeln!(out)?;
    tick(out, judgement.leaks.is_empty(), "nobody saw what they must not")?;
    let leaks = judgement.leaks.iter();
    for leak in leaks.take(LISTED_MAX) {
        let reader = leak.reader.person().first_name;
        writeln!(out, "       {reader} saw {} by {}", leak.what, leak.request)?;
    }
    tick(
        out,
        judgement.losses.is_empty(),
        "everybody got all of their own, but for the session notes; the parents all of the child's",
    )?;
    for loss in judgement.losses.iter().take(LISTED_MAX) {
        writeln!(out, "       {} missed {}", loss.reader.person().first_name, loss.what)?;
    }
    tick(out, alike, "what is hidden and what is not there are answered alike")?;
    Ok(judgement.leaks.is_empty() && judgement.losses.is_empty() && alike)
}

fn tick(out: &mut dyn Write, holds: bool, what: &str) -> io::Result<()> {
    writeln!(out, "  {}  {what}", if holds { "yes" } else { "NO " })
}

/// The proxy's own account, and that it holds nothing clinical.
pub(super) fn log(out: &mut dyn Write, stage: &Stage) -> io::Result<bool> {
    let audit = stage.audit()?;
    let clinical = judge::clinical_in(&stage.world, &audit).map_err(io::Error::other)?;
    let notes = audit.lines().filter(|line| line.contains("psychotherapy-note")).count();
    tick(
        out,
        clinical.is_empty(),
        "the log tells of every answer, and holds no code, name, day or word of a record",
    )?;
    for text in clinical.iter().take(LISTED_MAX) {
        writeln!(out, "       the log holds `{text}`")?;
    }
    tick(out, notes > 0, "the operator is told that the payer holds session notes at all")?;
    let entries = audit.lines().filter(|line| line.contains("\"request\":")).count();
    writeln!(out, "       {entries} entries, {notes} of them with that finding")?;
    Ok(clinical.is_empty() && notes > 0)
}

/// Addresses, tokens, requests to try.
pub(super) fn invitation(out: &mut dyn Write, stage: &Stage) -> io::Result<()> {
    let proxy = stage.addresses.proxy;
    writeln!(out, "\n  the proxy           http://{proxy}")?;
    writeln!(out, "  health and metrics  http://{}", stage.addresses.admin)?;
    writeln!(
        out,
        "  the payer behind    http://{}   (any token will do: that is the trouble)",
        stage.addresses.payer
    )?;
    writeln!(out, "  settings            {}", stage.settings.display())?;
    writeln!(out, "\nA token for each of them, good for half a day:\n")?;
    for who in Who::ALL {
        let name = who.person().first_name.to_uppercase();
        writeln!(out, "{name}={}", stage.token(who)?)?;
    }
    writeln!(
        out,
        "\nThree requests to try, once those lines are in a shell: the mother reads her daughter's claims;\n\
                   the daughter reads them; the mother asks the payer without the proxy.\n"
    )?;
    let claims = walk::claims(Who::Ingrid).target;
    writeln!(out, "curl -s -H \"Authorization: Bearer $RUTH\" 'http://{proxy}{claims}'")?;
    writeln!(out, "curl -s -H \"Authorization: Bearer $INGRID\" 'http://{proxy}{claims}'")?;
    writeln!(
        out,
        "curl -s -H \"Authorization: Bearer $RUTH\" 'http://{}{claims}'",
        stage.addresses.payer
    )
}
