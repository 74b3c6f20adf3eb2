//! The whole text of each message is the specification.

use super::read;
use crate::engine::diagnostics::{At, SourceFile, Span};
use crate::engine::shapes::written::{Shape, StringOrList};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Kitchen {
    name: At<String>,
    hold: Option<String>,
    #[serde(default)]
    tables: Vec<At<String>>,
    depth: Option<u16>,
    open: Option<bool>,
    stove: Option<Stove>,
    #[serde(default)]
    cooks: BTreeMap<At<String>, At<Cook>>,
    heat: Option<Heat>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Cook {
    born: At<String>,
    #[serde(default)]
    dishes: Vec<String>,
}

/// Which stove.
#[derive(Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Stove {
    /// Wood.
    Wood,
    /// Gas.
    GasBottle,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Heat {
    /// As it comes.
    Any,
    /// By a dial.
    Dial(Dial),
    /// By a file.
    TokenFile(At<String>),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Dial {
    from: u8,
    until: u8,
}

fn tried<T: DeserializeOwned + JsonSchema>(text: &str) -> (Option<T>, String) {
    let mut mistakes = Vec::new();
    let value = read(&SourceFile::new("k.yaml", text), &mut mistakes);
    let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(value.is_none(), !texts.is_empty(), "{texts:?}");
    (value, texts.concat())
}

#[track_caller]
fn good(text: &str) -> Kitchen {
    let (kitchen, mistakes) = tried(text);
    kitchen.unwrap_or_else(|| panic!("{mistakes}"))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let (_, mistakes) = tried::<Kitchen>(text);
    assert!(mistakes == expected, "got\n{mistakes}\nexpected\n{expected}");
}

fn under(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap()
}

#[test]
fn positions_are_bytes_of_the_file_also_after_wide_characters() {
    let text = "# Küche — 厨房\r\nname: \"Größe\"   # x\r\ncooks:\r\n  Zoë: { born: 1990-01-02 }\r\ntables: [ä, 'b c']\r\n";
    let kitchen = good(text);
    assert_eq!(under(text, kitchen.name.span), "\"Größe\"");
    assert_eq!(kitchen.name.value, "Größe");
    let (key, cook) = kitchen.cooks.iter().next().unwrap();
    assert_eq!(under(text, key.span), "Zoë");
    assert_eq!(under(text, cook.span), "{ born: 1990-01-02 }");
    assert_eq!(under(text, cook.value.born.span), "1990-01-02");
    let tables: Vec<&str> = kitchen.tables.iter().map(|table| under(text, table.span)).collect();
    assert_eq!(tables, ["ä", "'b c'"]);
}

#[test]
fn a_block_ends_with_its_last_part() {
    let text =
        "name: a\ncooks:\n  b:\n    born: x\n    dishes:\n      - soup\n\n# later\nhold: y\n";
    let kitchen = good(text);
    let cook = kitchen.cooks.values().next().unwrap();
    assert_eq!(under(text, cook.span), "born: x\n    dishes:\n      - soup");
    assert_eq!(cook.value.dishes, ["soup"]);
}

#[test]
fn quoted_texts_end_at_their_quote() {
    let text = "name: 'it''s' # 'x'\ntables: [ \"a\\\"b\" , 'c' ,d ]\nhold: plain text  # x\n";
    let kitchen = good(text);
    assert_eq!(under(text, kitchen.name.span), "'it''s'");
    let tables: Vec<&str> = kitchen.tables.iter().map(|table| under(text, table.span)).collect();
    assert_eq!(tables, ["\"a\\\"b\"", "'c'", "d"]);
    let text = "name: |\n  long\n  text\n\nhold: x\n";
    let kitchen = good(text);
    assert_eq!(kitchen.name.value, "long\ntext\n");
    assert_eq!(under(text, kitchen.name.span), "long\n  text");
    let text = "name: plain text  # x\nhold: &h \"y\" # z\ntables: [ *h ]\n";
    assert_eq!(under(text, good(text).name.span), "plain text");
}

#[test]
fn plain_texts_stay_as_written() {
    let kitchen = good("name: 0123\nhold: no\ntables: [1.10, true, 2s, 8MiB, 120 per 1m, 0x1F]");
    assert_eq!(kitchen.name.value, "0123");
    assert_eq!(kitchen.hold.as_deref(), Some("no"));
    let tables: Vec<&str> = kitchen.tables.iter().map(|table| table.value.as_str()).collect();
    assert_eq!(tables, ["1.10", "true", "2s", "8MiB", "120 per 1m", "0x1F"]);
}

#[test]
fn words_numbers_and_forms() {
    let kitchen = good("{ name: x, depth: 64, open: false, stove: gas-bottle, heat: any }");
    assert_eq!((kitchen.depth, kitchen.open), (Some(64), Some(false)));
    assert_eq!(kitchen.stove, Some(Stove::GasBottle));
    assert!(matches!(kitchen.heat, Some(Heat::Any)));
    let kitchen = good("{ name: x, heat: { dial: { from: 1, until: 2 } } }");
    assert!(matches!(kitchen.heat, Some(Heat::Dial(Dial { from: 1, until: 2 }))));
    let text = "{ name: x, heat: { token-file: f/g } }";
    let Some(Heat::TokenFile(file)) = good(text).heat else { panic!("another form") };
    assert_eq!(under(text, file.span), "f/g");
}

#[test]
fn every_mistake_is_told_at_once() {
    check(
        "names: a\ndepth: '7'\nopen: perhaps\nstove: gas-botle\ncooks:\n  zoe: { dishes: soup, bron: x }\n  zoe: { born: x }\ntables: { a: b }\n",
        "\
error: the key `zoe` is written twice
 --> k.yaml:7:3
  |
7 |   zoe: { born: x }
  |   ^^^
  = help: keep one of the two
error: unknown key `names` in the file
 --> k.yaml:1:1
  |
1 | names: a
  | ^^^^^
  = help: did you mean `name`?
error: `depth` must be a whole number, not a text
 --> k.yaml:2:8
  |
2 | depth: '7'
  |        ^^^
  = help: write it without quotes
error: `open` must be true or false, not a text
 --> k.yaml:3:7
  |
3 | open: perhaps
  |       ^^^^^^^
error: `gas-botle` is not known as a value of `stove`
 --> k.yaml:4:8
  |
4 | stove: gas-botle
  |        ^^^^^^^^^
  = help: did you mean `gas-bottle`?
error: `dishes` must be a list, not a text
 --> k.yaml:6:18
  |
6 |   zoe: { dishes: soup, bron: x }
  |                  ^^^^
error: unknown key `bron` in `zoe`
 --> k.yaml:6:24
  |
6 |   zoe: { dishes: soup, bron: x }
  |                        ^^^^
  = help: did you mean `born`?
error: `zoe` needs the key `born`
 --> k.yaml:6:3
  |
6 |   zoe: { dishes: soup, bron: x }
  |   ^^^
error: `tables` must be a list, not a mapping
 --> k.yaml:8:1
  |
8 | tables: { a: b }
  | ^^^^^^
error: the file needs the key `name`
 --> k.yaml:1:1
  |
1 | names: a
  | ^^^^^^^^
",
    );
}

#[test]
fn a_form_that_is_none_of_several() {
    check(
        "name: x\nheat: { dail: { from: 1 } }",
        "\
error: unknown key `dail` in `heat`
 --> k.yaml:2:9
  |
2 | heat: { dail: { from: 1 } }
  |         ^^^^
  = help: did you mean `dial`?
",
    );
    check(
        "name: x\nheat: { dial: { from: 300, unitl: 1 } }",
        "\
error: `from` must be at most 255
 --> k.yaml:2:23
  |
2 | heat: { dial: { from: 300, unitl: 1 } }
  |                       ^^^
error: unknown key `unitl` in `dial`
 --> k.yaml:2:28
  |
2 | heat: { dial: { from: 300, unitl: 1 } }
  |                            ^^^^^
  = help: did you mean `until`?
error: `dial` needs the key `until`
 --> k.yaml:2:9
  |
2 | heat: { dial: { from: 300, unitl: 1 } }
  |         ^^^^
",
    );
    check(
        "name: x\nheat: [any]",
        "\
error: `heat` must be a word or a mapping, not a list
 --> k.yaml:2:1
  |
2 | heat: [any]
  | ^^^^
",
    );
    check(
        "name: x\nheat: {}",
        "\
error: `heat` needs the key `dial`
 --> k.yaml:2:1
  |
2 | heat: {}
  | ^^^^
",
    );
}

#[test]
fn a_key_without_a_value_is_never_a_default() {
    check(
        "name: x\nhold:\ntables: [~, y]\n",
        "\
error: `hold` has no value
 --> k.yaml:2:1
  |
2 | hold:
  | ^^^^
  = help: give it one, or remove the key
error: an item of `tables` has no value
 --> k.yaml:3:10
  |
3 | tables: [~, y]
  |          ^
  = help: give it one, or remove the key
",
    );
}

#[test]
fn nothing_in_it() {
    for text in ["", "\n\n", "# later\n", "---\n", "--- ~\n", "\u{feff}", "---\n...\n"] {
        check(
            text,
            "error: the file is empty\n --> k.yaml\n  = help: write what it should hold, or remove it\n",
        );
    }
    check(
        "just text",
        "\
error: the file must be a mapping, not a text
 --> k.yaml:1:1
  |
1 | just text
  | ^^^^^^^^^
",
    );
}

#[test]
fn what_yaml_allows_and_we_do_not() {
    check(
        "name: x\n---\nname: y\n",
        "\
error: a second document in one file
 --> k.yaml:2:1
  |
2 | ---
  | ^^^
  = help: make it a file of its own
",
    );
    check(
        "name: !!binary aGk=\n",
        "\
error: YAML tags are not understood here
 --> k.yaml:1:7
  |
1 | name: !!binary aGk=
  |       ^^^^^^^^^^^^^
  = help: remove the `!…` before the value
",
    );
    check(
        "name: x\n[a, b]: y\n",
        "\
error: a key must be a text
 --> k.yaml:2:1
  |
2 | [a, b]: y
  | ^
",
    );
    check(
        "name: x\n: y\n",
        "\
error: a key is missing before the `:`
 --> k.yaml:2:1
  |
2 | : y
  | ^
",
    );
}

#[test]
fn what_is_no_yaml() {
    check(
        "name: x\nhold: [a, b\n",
        "\
error: not readable as YAML: while parsing a flow sequence, expected ',' or ']'
 --> k.yaml:3:1
  |
3 | 
  | ^
",
    );
    for text in ["name: 'x", "name: x\n hold: y", "a: b: c", "\u{0}", "%YAML 3", "&a", "*b"] {
        assert!(tried::<Kitchen>(text).0.is_none(), "{text:?}");
    }
}

#[test]
fn aliases_within_their_budget() {
    let text = "name: &n soup\ntables: [*n, *n]";
    let kitchen = good(text);
    assert_eq!(kitchen.tables[1].value, "soup");
    assert_eq!(under(text, kitchen.tables[1].span), "*n");
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let item = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", [item.as_str(); 10].join(", ")).unwrap();
    }
    let (_, mistakes) = tried::<Kitchen>(&bomb);
    assert!(mistakes.starts_with("error: aliases repeat more than 10000 values\n"), "{mistakes}");
    let (_, mistakes) = tried::<Kitchen>("name: &a [*a]");
    assert!(mistakes.starts_with("error: an alias inside of what it stands for\n"), "{mistakes}");
}

#[test]
fn depth_is_bounded() {
    let text = format!("name: {}{}", "[".repeat(100), "]".repeat(100));
    let (_, mistakes) = tried::<Kitchen>(&text);
    assert!(mistakes.starts_with("error: nested deeper than 64 levels\n"), "{mistakes}");
    let lines: Vec<String> = (0..100).map(|depth| format!("{}a:", " ".repeat(depth))).collect();
    let text = lines.join("\n");
    let (_, mistakes) = tried::<Kitchen>(&text);
    assert!(mistakes.starts_with("error: nested deeper than 64 levels\n"), "{mistakes}");
}

const SHAPE: &str = "\
shape: family-account
base: /api/v1
errors: problem
routes:
  - { GET: '/claims/{id}', body: json }
kinds:
  claim:
    id: $.claimId
    subject: [$.memberId, $.other]
    date: $.serviceDate
    episode: [$.visitId, [$.memberId, $.provider.npi, $.serviceDate]]
    fields: [{ at: $.memo, category: free-text }]
    needs: codes
    elements: { id: string, part!: { a: string, b: { c: Reference Patient } } }
  Organization: { belongs: public }
types: { Money: { value: decimal } }
";

#[test]
fn a_shape_with_lists_in_lists_and_either_or() {
    let (shape, mistakes) = tried::<Shape>(SHAPE);
    let shape = shape.unwrap_or_else(|| panic!("{mistakes}"));
    let claim = &shape.kinds["claim"].value;
    let Some(At { value: StringOrList::Many(subjects), .. }) = &claim.subject else {
        panic!("one subject");
    };
    assert_eq!(under(SHAPE, subjects[1].span), "$.other");
    let StringOrList::Many(tuple) = &claim.episode[1].value else { panic!("no tuple") };
    assert_eq!(under(SHAPE, tuple[1].span), "$.provider.npi");
    let StringOrList::One(visit) = &claim.episode[0].value else { panic!("a tuple") };
    assert_eq!((visit.as_str(), under(SHAPE, claim.episode[0].span)), ("$.visitId", "$.visitId"));
    assert_eq!(claim.elements.len(), 2);
    assert_eq!(under(SHAPE, shape.routes[0].span), "{ GET: '/claims/{id}', body: json }");
}

#[test]
fn a_shape_with_mistakes() {
    let text =
        SHAPE.replace("errors: problem", "errors: problems").replace("needs: codes", "need: codes");
    let text = text.replace("subject: [$.memberId, $.other]", "subject: { at: $.memberId }");
    let (_, mistakes) = tried::<Shape>(&text);
    let expected = "\
error: `problems` is not known as a value of `errors`
 --> k.yaml:3:9
  |
3 | errors: problems
  |         ^^^^^^^^
  = help: did you mean `problem`?
error: `subject` must be a text or a list, not a mapping
 --> k.yaml:9:5
  |
9 |     subject: { at: $.memberId }
  |     ^^^^^^^
error: unknown key `need` in `claim`
  --> k.yaml:13:5
";
    assert!(mistakes.starts_with(expected.trim_end().rsplit_once('\n').unwrap().0), "{mistakes}");
    assert!(mistakes.contains("did you mean `needs`?"), "{mistakes}");
}
