//! What is wrong with a set is told, all of it, with its place and what to do.

use super::*;

/// A rule that has everything.
fn rule(changes: &str) -> String {
    let mut lines = [
        ("id", "id: adult-hiv"),
        ("why", "why: a reason"),
        ("cite", "cite: [45 CFR 164.510(b)]"),
        ("category", "category: hiv"),
        ("reader", "reader: others"),
        ("then", "then: withhold"),
    ];
    let mut more = Vec::new();
    for change in changes.lines().map(str::trim).filter(|change| !change.is_empty()) {
        let key = change.split(':').next().unwrap();
        match lines.iter_mut().find(|(name, _)| *name == key) {
            Some(line) => line.1 = change,
            None => more.push(change),
        }
    }
    let all: Vec<_> = lines.iter().map(|(_, line)| *line).chain(more).collect();
    let rest = "releases:\n  - { category: any, reader: others, why: a test }\n";
    format!("pack: test\nrules:\n  - {}\n{rest}", all.join("\n    "))
}

/// `severity: message | underlined text | help` of each mistake.
fn told(texts: &[&str]) -> Vec<String> {
    let files: Vec<_> =
        texts.iter().enumerate().map(|(n, text)| file(&format!("{n}"), text)).collect();
    let mut mistakes = Vec::new();
    let _ = DecisionTable::read(&files, &mut mistakes);
    mistakes
        .iter()
        .map(|mistake| {
            let severity = match mistake.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let text = &mistake.file.text;
            let span = mistake.span.map_or("", |it| text.get(it.start..it.end).unwrap());
            let help = mistake.help.as_deref().unwrap_or_default();
            format!("{severity}: {} | {span} | {help}", mistake.message)
        })
        .collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(told(&[text]), expected, "{text}");
}

#[test]
fn the_rules_that_come_with_the_product_are_whole() {
    check(us_federal(), &[]);
    check(&rule(""), &[]);
    check(OPEN, &[]);
}

#[test]
fn unknown_words_are_told_with_what_was_probably_meant() {
    check(
        &rule("category: [hiv, mental-helth]"),
        &["error: unknown category `mental-helth` | mental-helth | did you mean `mental-health`?"],
    );
    check(
        &rule("reader: gardian"),
        &["error: unknown reader `gardian` | gardian | did you mean `guardian`?"],
    );
    check(
        &rule("subject: { age: adlt, state: ca, relationship: [child, sun] }"),
        &[
            "error: unknown age `adlt` | adlt | did you mean `adult`?",
            "error: unknown state `ca` | ca | did you mean `CA`?",
            "error: unknown relationship `sun` | sun | one of `self`, `spouse`, `common`, \
             `partner`, `child`, `adopted`, `foster`, `step`, `ward`, `grandchild`, `parent`, \
             `ex-spouse`, `injured`, `other`",
        ],
    );
    check(
        &rule("unless: [authorisation]"),
        &[
            "error: unknown exception `authorisation` | authorisation | did you mean `authorization`?",
        ],
    );
}

#[test]
fn empty_lists_and_texts_are_told() {
    check(
        &rule("category: []\nreader: []\ncite: []\nwhy: ' '"),
        &[
            "error: `why` is empty | ' ' | say in plain words why this is withheld",
            "error: rule `adult-hiv` cites nothing | adult-hiv | name the law or document it \
             rests on under `cite`",
            "error: the list under `category` is empty | [] | name at least one category",
            "error: the list under `reader` is empty | [] | name at least one reader",
        ],
    );
}

#[test]
fn rules_only_withhold() {
    check(
        &rule("then: release"),
        &["error: a rule cannot `release` | release | rules only withhold; what stays open \
           stands in the list `releases:` of the file"],
    );
    check(&rule("then: hide"), &["error: a rule cannot `hide` | hide | write `then: withhold`"]);
}

#[test]
fn people_see_their_own() {
    check(
        &rule("reader: [guardian, self]"),
        &["error: `self` cannot be a reader here: a person sees their own records | self | leave \
           it out; what nobody may see, not even the subject, is written with `anyone`"],
    );
    let rare = "error: `anyone` would keep from people what is theirs: it goes with \
                `psychotherapy-notes` and `aggregate` only | anyone | write `others`: everyone \
                but the subject";
    check(&rule("reader: anyone"), &[rare]);
    check(&rule("reader: anyone\ncategory: any"), &[rare]);
    check(&rule("reader: anyone\ncategory: [aggregate, hiv]"), &[rare]);
    check(&rule("reader: anyone\ncategory: [aggregate, psychotherapy-notes]"), &[]);
}

#[test]
fn an_id_stands_for_one_rule_over_all_files() {
    let (one, other) = (rule(""), rule("category: genetic"));
    assert_eq!(
        told(&[&one, &other]),
        ["error: two rules have the id `test/adult-hiv` | adult-hiv | the first is at \
          rules/0.yaml:3; give one of them another id"]
    );
    let renamed = other.replace("pack: test", "pack: other");
    assert_eq!(told(&[&one, &renamed]), LEAVES);
    check(
        &rule("id: a/b"),
        &["error: `a/b` cannot be a name for `id` | a/b | use letters, digits, `-`, `_` and `.`"],
    );
}

const LEAVES: [&str; 0] = [];

#[test]
fn an_emptied_folder_is_refused() {
    let empty = "error: the set has no rules and no releases |  | add a file under `rules/` with \
                 `rules:` or `releases:`";
    assert_eq!(told(&[]), [empty]);
    assert_eq!(told(&["pack: nothing\n"]), [empty]);
}

#[test]
fn gaps_are_told_condensed_with_what_to_add() {
    let text = us_federal();
    let without_contact = text.replace("[contact, developmental, genetic]", "[developmental]");
    check(
        &without_contact,
        &["error: no rule and no release says whether `others` may see `genetic`, `contact` of a \
           subject who is `consenting-minor` |  | withhold it by a rule, or add under \
           `releases:` - { category: [genetic, contact], subject: { age: consenting-minor }, \
           reader: others, why: say why }"],
    );
    let guardians_only = "
pack: gap
releases:
  - { category: any, subject: { age: [adult, consenting-minor] }, reader: others, why: a test }
  - { category: any, subject: { age: minor }, reader: [representative, subscriber], why: a test }
";
    let told = told(&[guardians_only]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("whether `[guardian, spouse]` may see `mental-health`, `possible"));
}

#[test]
fn a_gap_may_be_in_some_states_or_relationships_only() {
    let text = "
pack: gap
rules:
  - id: california
    why: a test
    cite: [a test]
    category: genetic
    subject: { state: CA }
    reader: others
    then: withhold
  - id: children
    why: a test
    cite: [a test]
    category: hiv
    subject: { relationship: [child, adopted, foster, step, ward] }
    reader: guardian
    then: withhold
releases:
  - category: [mental-health, possible-mental-health, substance-use, reproductive, sexual-health,
               gender-affirming, abuse, developmental, free-text, contact, aggregate, unclassified]
    reader: others
    why: a test
  - { category: hiv, reader: [representative, subscriber, spouse], why: a test }
";
    let told = told(&[text]);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains(
        "whether `guardian` may see `hiv` of a subject who is `minor`, `consenting-minor` listed \
         as `grandchild`"
    ));
    assert!(told[1].contains(
        "whether `others` may see `genetic` of a subject who is `minor`, `consenting-minor`, \
         `adult` in states other than `CA`"
    ));
    assert!(told[1].ends_with("{ category: genetic, reader: others, why: say why }"));
}

#[test]
fn a_release_in_vain_is_a_warning() {
    let more = "  - { category: [mental-health, contact], subject: { age: adult }, reader: \
                spouse, why: a test }\n";
    let told = told(&[&format!("{}{more}", us_federal())]);
    assert_eq!(
        told,
        [
            "warning: releasing `mental-health` here has no effect: it is always withheld | \
             mental-health | a release overrides neither the floor nor a rule: leave it out",
            "warning: releasing `contact` here has no effect: it is always withheld | contact | \
             a release overrides neither the floor nor a rule: leave it out",
        ]
    );
}

#[test]
fn mistakes_of_all_files_come_in_one_run() {
    let (one, other) = (rule("category: hvi"), rule("id: other\nreader: nobody"));
    let told = told(&[&one, &other]);
    assert_eq!(told.len(), 2, "{told:#?}");
}
