//! The table at the end: for each reader and each person, what the payer holds, what was
//! released and what was withheld.

use super::family::Who;
use super::judge::Judgement;
use super::world::World;
use std::fmt::Write;

/// Widths of the first column and of the others, characters.
const FIRST: usize = 20;
const OTHER: usize = 8;

/// The table, in lines.
pub(super) fn table(world: &World, judgement: &Judgement) -> String {
    let mut text = String::new();
    line(&mut text, "records about", Who::ALL.map(|who| who.person().first_name.to_owned()));
    line(&mut text, "the payer holds", Who::ALL.map(|subject| held(world, subject).to_string()));
    for reader in Who::ALL {
        let counts = Who::ALL.map(|subject| {
            let released = released(world, judgement, reader, subject);
            (released, held(world, subject).saturating_sub(released))
        });
        let name = reader.person().first_name;
        line(&mut text, &format!("{name:<8}released"), counts.map(|(released, _)| shown(released)));
        line(&mut text, &format!("{:<8}withheld", ""), counts.map(|(_, withheld)| shown(withheld)));
    }
    text
}

fn line(text: &mut String, first: &str, others: [String; Who::ALL.len()]) {
    // Writing to a `String` cannot fail.
    write!(text, "  {first:<FIRST$}").unwrap_or_default();
    for other in others {
        write!(text, "{other:>OTHER$}").unwrap_or_default();
    }
    text.push('\n');
}

fn shown(count: usize) -> String {
    if count == 0 { "-".to_owned() } else { count.to_string() }
}

/// How many records about somebody the payer holds.
pub(super) fn held(world: &World, subject: Who) -> usize {
    world.records.iter().filter(|record| record.subjects.contains(&subject)).count()
}

/// How many of them a reader got, by any road.
pub(super) fn released(world: &World, judgement: &Judgement, reader: Who, subject: Who) -> usize {
    let seen = judgement.seen.get(&reader).into_iter().flatten();
    let records = seen.filter_map(|number| world.records.get(*number));
    records.filter(|record| record.subjects.contains(&subject)).count()
}
