//! Code systems: which one a URI, an OID or a key names, how far its lists go, and its rows.

use super::Hits;
use super::lists::{CodeRow, Says};
use super::names::{NAME_BYTES_MAX, Spellings, comparable};
use super::patterns::{CodeKey, Table, surviving};
use jiff::civil::Date;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The systems a code is tried against that has none, an unknown one, or the wrong one of these.
/// Their codes have forms by which they are told from one another.
const TRIED_WITHOUT_SYSTEM: [(&str, Form); 5] = [
    ("ICD-10-CM", Form::Icd10Cm),
    ("CPT", Form::Cpt),
    ("HCPCS-II", Form::HcpcsII),
    ("NUCC", Form::Nucc),
    ("LOINC", Form::Loinc),
];

/// How long the modifiers of CPT and HCPCS are.
const MODIFIER_BYTES: usize = 2;

/// What a code of a system looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A letter, a digit, one to five letters or digits. Two characters would be a category of
    /// no code, and are claim-line modifiers in practice (`F2`, a finger).
    Icd10Cm,
    /// Four digits and a letter or digit.
    Cpt,
    /// A letter and four digits.
    HcpcsII,
    /// Ten letters or digits.
    Nucc,
    /// Digits, a dash, a check digit.
    Loinc,
}

impl Form {
    fn fits(self, code: &CodeKey) -> bool {
        let digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
        let plain = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_alphanumeric);
        match (self, code.as_bytes()) {
            (Form::Icd10Cm, [letter, digit, rest @ ..]) => {
                letter.is_ascii_uppercase()
                    && digit.is_ascii_digit()
                    && (1..=5).contains(&rest.len())
                    && plain(rest)
            }
            (Form::Cpt, [number @ .., last]) => {
                number.len() == 4 && digits(number) && last.is_ascii_alphanumeric()
            }
            (Form::HcpcsII, [letter, number @ ..]) => {
                letter.is_ascii_uppercase() && number.len() == 4 && digits(number)
            }
            (Form::Nucc, all) => all.len() == 10 && plain(all),
            (Form::Loinc, [number @ .., b'-', check]) => digits(number) && check.is_ascii_digit(),
            _ => false,
        }
    }

    /// Whether codes of this form may hold a dash.
    fn has_dash(self) -> bool {
        self == Form::Loinc
    }
}

/// Systems whose codes have no dot: `90832.90838` is a range that lost one.
const WITHOUT_DOT: [&str; 28] = [
    "APR-DRG",
    "ATC",
    "CARC",
    "CDT",
    "CMS-POS",
    "CMS-SPECIALTY",
    "CMS-TOS",
    "CPT",
    "CVX",
    "HCPCS-II",
    "HIPPS",
    "ICD-10-PCS",
    "LOINC",
    "MS-DRG",
    "NCPDP-RESIDENCE",
    "NDC",
    "NUBC-CLASS",
    "NUBC-COND",
    "NUBC-DISCHARGE",
    "NUBC-ORIGIN",
    "NUBC-REV",
    "NUBC-TOB",
    "NUCC",
    "RxNorm",
    "SNOMED-CT",
    "SOPT",
    "X12-SERVICE-TYPE",
    "v2-0074",
];

/// Why no code of the system can match a pattern, if it is clear: the row would say nothing, and
/// nobody would notice. `F20-F29` and `F20.F29` are ranges to a reader, and codes to us.
pub(super) fn unmatchable(system: &str, pattern: &str) -> Option<String> {
    let form = TRIED_WITHOUT_SYSTEM.iter().find(|(key, _)| *key == system);
    let has = |letter: char| match form {
        Some((_, form)) => {
            letter.is_ascii_alphanumeric()
                || matches!(letter, '.' | '*')
                || letter == '-' && form.has_dash()
        }
        None => !matches!(letter, ',' | ';' | '|' | '%'),
    };
    if let Some(odd) = pattern.chars().find(|letter| letter.is_ascii() && !has(*letter)) {
        return Some(format!("no code of this system has a `{odd}`: the row would never match"));
    }
    let mut dots = pattern.splitn(2, "..").filter_map(|end| end.split_once('.'));
    let is_odd = |(start, rest): &(&str, &str)| {
        has_odd_dot(system, start.trim(), rest.trim().trim_end_matches('*'))
    };
    let (start, rest) = dots.find(is_odd)?;
    Some(format!("no code of this system has a dot there: is it the range `{start}..{rest}`?"))
}

/// Whether no code of the system has a dot between these two.
fn has_odd_dot(system: &str, start: &str, rest: &str) -> bool {
    match system {
        "ICD-10-CM" => {
            let (start, rest) = (start.to_ascii_uppercase(), rest.to_ascii_uppercase());
            let is_category = matches!(rest.as_bytes(), [letter, digit, third, ..]
                if letter.is_ascii_uppercase()
                    && digit.is_ascii_digit()
                    && third.is_ascii_alphanumeric());
            // `Z91.A10` is a code, for as a range it would begin with its upper end; so is `T50.Z12`.
            rest.contains('.') || (is_category && start <= rest && start != "T50")
        }
        "ICD-9-CM" | "ICD-9-PCS" => rest.len() > 2 || !rest.bytes().all(|b| b.is_ascii_digit()),
        _ => !rest.is_empty() && WITHOUT_DOT.contains(&system),
    }
}

/// How far the lists of a system go, as `systems.csv` declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// A code that no row names is harmless.
    Complete,
    /// A code that no row names is judged by its words.
    Partial,
    /// Its codes are not looked at.
    Administrative,
    /// Declared complete, and the set holds no row of it: as good as unknown.
    CompleteWithoutRows,
}

/// One code system.
#[derive(Debug)]
pub(super) struct System {
    /// What lists and shapes call it.
    pub(super) key: String,
    /// How far its lists go.
    pub(super) coverage: Coverage,
    form: Option<Form>,
    rows: Vec<CodeRow>,
    table: Table,
}

impl System {
    /// A system that has no rows yet.
    pub(super) fn new(key: &str, coverage: Coverage) -> System {
        let form = TRIED_WITHOUT_SYSTEM.iter().find(|(tried, _)| *tried == key);
        let form = form.map(|(_, form)| *form);
        let (rows, table) = (Vec::new(), Table::default());
        System { key: key.to_owned(), coverage, form, rows, table }
    }

    /// Adds a row of a list, before the system is compiled.
    pub(super) fn add(&mut self, row: CodeRow) {
        self.rows.push(row);
    }

    fn compile(&mut self) {
        let gives = self.rows.iter().any(|row| matches!(row.says, Says::Gives(..)));
        if self.coverage == Coverage::Complete && !gives {
            self.coverage = Coverage::CompleteWithoutRows;
        }
        self.table = Table::of(&self.rows);
    }

    /// What its rows say of a code.
    pub(super) fn look_up(&self, code: &CodeKey, date: Option<Date>) -> Option<Hits> {
        self.table.look_up(code, date)
    }

    /// The rows behind [`System::look_up`], found row by row.
    pub(super) fn rows_of(&self, code: &CodeKey, date: Option<Date>) -> Vec<&CodeRow> {
        let code = *code;
        let rows = self.rows.iter().filter(move |row| row.pattern.matches(&code));
        surviving(rows, date).map(|(row, _)| row).collect()
    }

    /// Whether a code is surely not of this system, whatever the body says: then it may be of
    /// another. CPT codes under the HCPCS URI (of which they are Level I) are the usual case.
    pub(super) fn is_mislabelled(&self, code: &CodeKey) -> bool {
        self.form.is_some_and(|form| !form.fits(code))
    }

    /// Whether codes that look so can be of it: a revenue code under CPT's address is named by no
    /// list of CPT, and harmless by none. CPT is Level I of HCPCS, and modifiers stand with both.
    pub(super) fn may_have(&self, code: &CodeKey) -> bool {
        match self.form {
            None => true,
            Some(Form::Cpt | Form::HcpcsII) => {
                let modifies = code.as_bytes().len() == MODIFIER_BYTES;
                Form::Cpt.fits(code) || Form::HcpcsII.fits(code) || modifies
            }
            Some(form) => form.fits(code),
        }
    }

    /// Whether an unlisted code can be called harmless: it must be one plain code. Two codes in
    /// one string (`90837, F32.1`), a code with a modifier (`90837-95`) or an expression are not
    /// the code that a list would name.
    pub(super) fn is_plain(&self, code: &CodeKey) -> bool {
        let dash = self.form.is_none_or(Form::has_dash);
        let plain = |b: &u8| b.is_ascii_alphanumeric() || (dash && matches!(b, b'-' | b'_'));
        code.as_bytes().iter().all(plain)
    }
}

/// Which system of a [`super::CodeBook`] a name means. Good for the book that gave it only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemId(Option<u32>);

impl SystemId {
    /// No system was named, or one that `systems.csv` does not declare.
    pub const UNKNOWN: SystemId = SystemId(None);

    fn of(index: usize) -> SystemId {
        SystemId(u32::try_from(index).ok())
    }
}

/// All systems of a set.
#[derive(Debug, Default)]
pub(super) struct Systems {
    all: Vec<System>,
    /// As declared, hashed: the spelling that nearly all bodies use.
    spellings: Spellings,
    /// By comparable form, sorted.
    names: Vec<(Vec<u8>, SystemId)>,
    /// Declared with a final `*`, the longest first.
    prefixes: Vec<(Vec<u8>, SystemId)>,
    /// Those of [`TRIED_WITHOUT_SYSTEM`] that the set has.
    tried: Vec<(Form, SystemId)>,
}

impl Systems {
    /// Compiles systems. A name means the system of that place: as written, or in comparable form
    /// and either whole or, where `true` stands with it, the start of names.
    pub(super) fn of(
        mut all: Vec<System>,
        spellings: Vec<(String, usize)>,
        comparable: BTreeMap<(Vec<u8>, bool), usize>,
    ) -> Systems {
        all.iter_mut().for_each(System::compile);
        let spellings = spellings.into_iter().map(|(name, at)| (name.into(), SystemId::of(at)));
        let (mut names, mut prefixes) = (Vec::new(), Vec::new());
        for ((name, is_prefix), at) in comparable {
            let list = if is_prefix { &mut prefixes } else { &mut names };
            list.push((name, SystemId::of(at)));
        }
        prefixes.sort_by_key(|(prefix, _)| Reverse(prefix.len()));
        let place = |key| all.iter().position(|system| system.key == key).map(SystemId::of);
        let tried = TRIED_WITHOUT_SYSTEM.iter();
        let tried = tried.filter_map(|(key, form)| Some((*form, place(*key)?))).collect();
        Systems { all, spellings: Spellings::of(spellings), names, prefixes, tried }
    }

    /// The days from which some row says something else than the day before, sorted.
    pub(super) fn turns(&self) -> Vec<Date> {
        let rows = self.all.iter().flat_map(|system| &system.rows);
        let days = rows.flat_map(|row| [row.from, row.until.and_then(|last| last.tomorrow().ok())]);
        let mut turns: Vec<Date> = days.flatten().collect();
        turns.sort_unstable();
        turns.dedup();
        turns
    }

    /// The system of that number.
    pub(super) fn system(&self, id: SystemId) -> Option<&System> {
        self.all.get(usize::try_from(id.0?).ok()?)
    }

    /// Which system a name means.
    pub(super) fn named(&self, name: &str) -> SystemId {
        if let Some(id) = self.spellings.find(name.as_bytes()) {
            return id;
        }
        let mut buffer = [0; NAME_BYTES_MAX];
        let Some(name) = comparable(name, &mut buffer) else { return SystemId::UNKNOWN };
        if let Ok(place) = self.names.binary_search_by(|(other, _)| other.as_slice().cmp(name)) {
            return self.names.get(place).map_or(SystemId::UNKNOWN, |(_, id)| *id);
        }
        let prefix = self.prefixes.iter().find(|(prefix, _)| name.starts_with(prefix));
        prefix.map_or(SystemId::UNKNOWN, |(_, id)| *id)
    }

    /// What else stands under a system's address in practice, and has codes that look so: under
    /// that of ICD-10-CM codes of ICD-9-CM from before, and of ICD-10-PCS; under those of CPT and
    /// HCPCS revenue codes.
    pub(super) fn kin(&self, system: &System, code: &CodeKey) -> Option<&System> {
        let code = code.as_bytes();
        let digits = code.iter().all(u8::is_ascii_digit);
        let key = match (system.form?, code.len()) {
            (Form::Icd10Cm, 3..=5) if digits => "ICD-9-CM",
            (Form::Icd10Cm, 7) if code.iter().all(u8::is_ascii_alphanumeric) => "ICD-10-PCS",
            (Form::Cpt | Form::HcpcsII, 4) if digits => "NUBC-REV",
            _ => return None,
        };
        let kin = self.all.iter().find(|system| system.key == key);
        kin.filter(|kin| kin.coverage == Coverage::Complete)
    }

    /// The systems to try a code against that has no system of its own.
    pub(super) fn tried(&self, code: CodeKey) -> impl Iterator<Item = &System> {
        let fitting = self.tried.iter().filter(move |(form, _)| form.fits(&code));
        fitting.filter_map(|(_, id)| self.system(*id))
    }
}
