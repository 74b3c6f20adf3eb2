//! Rules files as users write them (DESIGN 4.5): one struct per mapping, nothing checked beyond
//! types.

use crate::engine::diagnostics::At;
use crate::engine::shapes::written::OneOrMany;
use schemars::JsonSchema;
use serde::Deserialize;

/// One file of `policies/rules/`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RulesFile {
    /// The name that goes before the ids of its rules: `us-federal` gives
    /// `us-federal/adult-reproductive`.
    pub pack: At<String>,
    /// What is withheld. The order means nothing.
    #[serde(default)]
    pub rules: Vec<At<Rule>>,
    /// What is left open on purpose, so that nothing is left open by accident. A release
    /// overrides no rule.
    #[serde(default)]
    pub releases: Vec<At<Release>>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Its name within the pack, as in the audit and in `explain`.
    pub id: At<String>,
    /// The reason, in words a privacy officer understands.
    pub why: At<String>,
    /// The law or document it rests on; at least one.
    pub cite: Vec<At<String>>,
    /// One category, several, or `any` for every record.
    pub category: OneOrMany,
    /// Which subjects; everybody if left out.
    pub subject: Option<Subject>,
    /// Relations of the reader to the subject, or `others` (everyone but the subject), or
    /// `anyone` (the subject too; for `psychotherapy-notes` and `aggregate` only).
    pub reader: OneOrMany,
    /// `withhold`.
    pub then: At<String>,
    /// The grants that lift it: `authorization`, `representation`.
    #[serde(default)]
    pub unless: Vec<At<String>>,
}

/// One thing left open on purpose.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Release {
    /// One category, several, or `any` for all.
    pub category: OneOrMany,
    /// Of which subjects; everybody if left out.
    pub subject: Option<Subject>,
    /// To which readers: relations or `others`.
    pub reader: OneOrMany,
    /// The reason, in words a privacy officer understands.
    pub why: At<String>,
    /// What it rests on, if anything.
    #[serde(default)]
    pub cite: Vec<At<String>>,
}

/// Which subjects a rule speaks of. Each condition that is given must hold; what is not known of
/// a subject holds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subject {
    /// `minor`, `consenting-minor`, `adult`: one or several.
    pub age: Option<OneOrMany>,
    /// Postal abbreviations of states, e.g. `CA`: one or several.
    pub state: Option<OneOrMany>,
    /// The subject's relationship to the subscriber, e.g. `child`: one or several.
    pub relationship: Option<OneOrMany>,
}
