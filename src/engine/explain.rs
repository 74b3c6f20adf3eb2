//! What was hidden, where, by which rule and evidence; never the content.

/// The account that `explain` prints and that cases are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Every record met, in body order.
    pub records: Vec<RecordAccount>,
    /// Places outside records that were cut, as normalized paths.
    pub envelope: Vec<String>,
}

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordAccount {
    /// Where it stands in the body (or its line): a normalized path such as `$.entry[3].resource`.
    pub place: String,
    /// Its kind.
    pub kind: String,
    /// Its id, by the kind's `id`, if it has one.
    pub id: Option<String>,
    /// Member ids of its subjects; `?` for one that is unknown.
    pub subjects: Vec<String>,
    /// Names of its categories.
    pub categories: Vec<&'static str>,
    /// Whether it left.
    pub released: bool,
    /// Ids of the rules that withheld it.
    pub rules: Vec<String>,
    /// What gave it its categories.
    pub evidence: Vec<Evidence>,
    /// What was cut from it, if it left.
    pub cuts: Vec<CutAccount>,
}

/// One reason for a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Categories it gave.
    pub categories: Vec<&'static str>,
    /// Where it stands, relative to the record, e.g. `$.diagnosis[0].code`.
    pub place: String,
    /// What told: `codes/icd10cm.csv:12 F20..F29`, `words.csv:7 depress*`, `field`, `episode with
    /// $.entry[4].resource`, `link out of sight`, `no known code`, ….
    pub because: String,
}

/// One place cut from a released record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutAccount {
    /// Relative to the record, e.g. `$.lines[0].therapistNote`.
    pub place: String,
    /// The places that had to go, where the cut had to go further: FHIR knows no empty arrays and
    /// objects, and demands some members.
    pub asked: Vec<String>,
    /// Why: a category, `not named by the shape`, `narrative`, `reference out of sight`, ….
    pub because: String,
    /// Ids of the rules, if rules decided.
    pub rules: Vec<String>,
}
