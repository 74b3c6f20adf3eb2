//! What was counted, and how it is told.

use std::collections::BTreeMap;

/// Figures of one set in one form.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) bodies: usize,
    /// Records that are somebody's, and of these:
    pub(super) records: usize,
    /// sensitive by themselves to the narrow eye,
    pub(super) sensitive: usize,
    /// of one event with such,
    pub(super) linked: usize,
    /// the rest, and of these, released to the mother.
    pub(super) harmless: usize,
    pub(super) released: usize,
    /// The patient's own records, and those that came to them byte for byte.
    pub(super) own: usize,
    pub(super) own_same: usize,
    /// Bodies that are the patient's alone and came to them as a whole.
    pub(super) whole: usize,
    pub(super) eobs: Eobs,
}

/// Of explanations of benefit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Eobs {
    pub(super) all: usize,
    /// With a sensitive code or word of their own.
    pub(super) naming: usize,
    pub(super) withheld: usize,
    /// Withheld though they name nothing.
    pub(super) by_link: usize,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By set and form.
    pub(super) figures: BTreeMap<(String, &'static str), Figures>,
    /// What must not be.
    pub(super) leaks: Vec<String>,
    /// What was withheld though harmless: how often, by its reason.
    pub(super) losses: BTreeMap<String, usize>,
    /// What was cut from harmless records, by place.
    pub(super) cuts: BTreeMap<String, usize>,
}

impl Tally {
    pub(super) fn of(&mut self, set: &str, form: &'static str) -> &mut Figures {
        self.figures.entry((set.to_owned(), form)).or_default()
    }

    /// Adds what another thread found.
    pub(super) fn add(&mut self, other: Tally) {
        for ((set, form), figures) in other.figures {
            self.of(&set, form).add(figures);
        }
        self.leaks.extend(other.leaks);
        for (what, count) in other.losses {
            *self.losses.entry(what).or_default() += count;
        }
        for (what, count) in other.cuts {
            *self.cuts.entry(what).or_default() += count;
        }
    }

    /// Figures of all sets whose names begin so, in one form.
    pub(super) fn sum(&self, sets: &[&str], form: &str) -> Figures {
        let mut sum = Figures::default();
        for ((set, of), figures) in &self.figures {
            if *of == form && sets.iter().any(|start| set.starts_with(start)) {
                sum.add(*figures);
            }
        }
        sum
    }

    pub(super) fn tell(&self) {
        eprintln!(
            "{:22} {:10} {:>6} {:>7} {:>9} {:>6} {:>8} {:>8} {:>6} | {:>11} {:>5} | {:>4} {:>6} {:>8} {:>7}",
            "set",
            "form",
            "bodies",
            "records",
            "sensitive",
            "linked",
            "harmless",
            "released",
            "%",
            "own: same",
            "whole",
            "EOBs",
            "naming",
            "withheld",
            "by link"
        );
        for ((set, form), figures) in &self.figures {
            figures.tell(set, form);
        }
        for form in ["everything", "search", "ndjson", "house"] {
            self.sum(&[""], form).tell("all", form);
        }
        let much = if super::tells() { usize::MAX } else { 12 };
        told(&self.losses, "harmless and withheld", much);
        told(&self.cuts, "cut from harmless records", much);
        for leak in self.leaks.iter().take(much.max(40)) {
            eprintln!("LEAK {leak}");
        }
    }
}

fn told(counts: &BTreeMap<String, usize>, title: &str, much: usize) {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| usize::MAX - **count);
    for (what, count) in counts.into_iter().take(much) {
        eprintln!("{title}: {count:6} {what}");
    }
}

impl Figures {
    fn add(&mut self, other: Figures) {
        self.bodies += other.bodies;
        self.records += other.records;
        self.sensitive += other.sensitive;
        self.linked += other.linked;
        self.harmless += other.harmless;
        self.released += other.released;
        self.own += other.own;
        self.own_same += other.own_same;
        self.whole += other.whole;
        self.eobs.all += other.eobs.all;
        self.eobs.naming += other.eobs.naming;
        self.eobs.withheld += other.eobs.withheld;
        self.eobs.by_link += other.eobs.by_link;
    }

    /// Tenths of a percent of the harmless records that were released.
    pub(super) fn per_mille(&self) -> usize {
        (self.released * 1000).checked_div(self.harmless).unwrap_or(1000)
    }

    fn tell(&self, set: &str, form: &str) {
        let Figures { bodies, records, sensitive, linked, harmless, released, .. } = self;
        let share = format!("{}.{}", self.per_mille() / 10, self.per_mille() % 10);
        let Eobs { all, naming, withheld, by_link } = self.eobs;
        eprintln!(
            "{set:22} {form:10} {bodies:6} {records:7} {sensitive:9} {linked:6} {harmless:8} {released:8} {share:>6} | {:5}/{:5} {:5} | {all:4} {naming:6} {withheld:8} {by_link:7}",
            self.own_same, self.own, self.whole,
        );
    }
}
