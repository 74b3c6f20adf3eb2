//! Codes by plain matching: a short list of our own, and the rows of `policies/codes` read
//! without the engine.

use std::collections::BTreeMap;

/// What a code says: which category, and whether it colours its event.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) what: String,
    pub(super) event: bool,
}

/// Rows of code lists: system key, pattern, categories (none for `not`), whether they reach the
/// event.
#[derive(Debug, Default)]
pub(super) struct Lists {
    systems: BTreeMap<String, String>,
    rows: BTreeMap<String, Vec<(String, Option<String>, bool)>>,
}

impl Lists {
    /// The rows in the files of `policies/codes`.
    pub(super) fn read() -> Lists {
        let mut lists = Lists::default();
        for entry in std::fs::read_dir("policies/codes").unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut table = csv::Reader::from_path(&path).unwrap();
            for row in table.records().map(Result::unwrap) {
                match name.as_str() {
                    "words.csv" => {}
                    "systems.csv" => {
                        lists.systems.insert(row[1].to_lowercase(), row[0].to_owned());
                    }
                    _ => {
                        let not = &row[2] == "not";
                        let pattern = plain(&row[1]);
                        let event = row[4].trim() != "record";
                        let category = (!not).then(|| row[2].to_owned());
                        let rows = lists.rows.entry(row[0].to_owned()).or_default();
                        rows.push((pattern, category, event));
                    }
                }
            }
        }
        lists
    }

    /// What the rows say of a code.
    pub(super) fn look_up(&self, system: &str, code: &str) -> Vec<Hit> {
        let system = system.trim().trim_end_matches('/').to_lowercase();
        let by_prefix = || {
            let prefixes = self.systems.iter().filter(|(uri, _)| uri.ends_with('*'));
            let mut fitting =
                prefixes.filter(|(uri, _)| system.starts_with(uri.trim_end_matches('*')));
            fitting.next().map(|(_, key)| key)
        };
        let key = self.systems.get(&system).or_else(by_prefix);
        let Some(rows) = key.and_then(|key| self.rows.get(key)) else { return Vec::new() };
        let code = plain(code);
        let fitting: Vec<_> = rows.iter().filter(|(pattern, ..)| fits(pattern, &code)).collect();
        let weight = |pattern: &str| pattern.split("..").next().unwrap().len();
        let not = fitting.iter().filter(|(_, category, _)| category.is_none());
        let not = not.map(|(pattern, ..)| weight(pattern)).max().unwrap_or(0);
        fitting
            .into_iter()
            .filter(|(pattern, ..)| weight(pattern) > not)
            .filter_map(|(pattern, category, event)| {
                let category = category.as_ref().filter(|name| !name.is_empty())?;
                Some(Hit { what: format!("{category} by {pattern}"), event: *event })
            })
            .collect()
    }
}

/// Trimmed, without dots, in capitals.
fn plain(code: &str) -> String {
    match code.split_once("..") {
        Some((from, until)) => format!("{}..{}", plain(from), plain(until)),
        None => code.trim().replace('.', "").to_uppercase(),
    }
}

fn fits(pattern: &str, code: &str) -> bool {
    if let Some((from, until)) = pattern.split_once("..") {
        let head = |to: &str| code.get(..to.len()).unwrap_or(code).to_owned();
        return code.len() >= from.len() && *from <= *head(from) && *head(until) <= *until;
    }
    match pattern.strip_suffix('*') {
        Some(start) => code.starts_with(start),
        None => pattern == code,
    }
}

/// Diagnoses and services of mental health, addiction and what else an adult keeps to themselves,
/// as anybody who knows the systems would write them down without a list.
pub(super) fn known_by_heart(system: &str, code: &str) -> Option<Hit> {
    let hit = |what: &str, event| Some(Hit { what: format!("{what} {code}"), event });
    let code = plain(code);
    let starts = |heads: &[&str]| heads.iter().any(|head| code.starts_with(head));
    if system.contains("icd-10") || system.contains("6.90") {
        if starts(&["F17"]) {
            return None;
        }
        return match code.as_bytes().first() {
            Some(b'F') => hit("ICD-10", true),
            _ if starts(&[
                "B20", "Z21", "O", "Z3A", "Z33", "Z34", "A50", "A51", "A52", "A53", "A54",
            ]) =>
            {
                hit("ICD-10", true)
            }
            _ if starts(&["T74", "T76", "Z914", "Z915", "R4585"]) => hit("ICD-10", true),
            _ => None,
        };
    }
    if system.contains("icd-9") {
        let number: u32 = code.get(..3).and_then(|head| head.parse().ok()).unwrap_or(0);
        return (290..320).contains(&number).then(|| hit("ICD-9", true)).flatten();
    }
    if system.contains("cpt") || system.contains("hcpcs") {
        let number: u32 = code.parse().unwrap_or(0);
        if (90785..90900).contains(&number) || starts(&["H00", "G9012"]) {
            return hit("service", true);
        }
    }
    if system.contains("ActCode")
        && [
            "PSY",
            "PSYTHPN",
            "MH",
            "BH",
            "ETH",
            "ETHUD",
            "OPIOIDUD",
            "SUD",
            "SDV",
            "HIV",
            "STD",
            "SEX",
            "ABORTION",
            "42CFRPART2",
        ]
        .contains(&code.as_str())
    {
        return hit("label", true);
    }
    if system.contains("snomed") {
        const BY_HEART: [(&str, bool); 28] = [
            ("370143000", true),  // major depressive disorder
            ("36923009", true),   // major depression, single episode
            ("35489007", true),   // depressive disorder
            ("192080009", true),  // chronic depression
            ("47505003", true),   // posttraumatic stress disorder
            ("197480006", true),  // anxiety disorder
            ("48694002", true),   // anxiety
            ("192127007", true),  // attention deficit disorder
            ("406506008", true),  // attention deficit hyperactivity disorder
            ("7200002", true),    // alcoholism
            ("15167005", true),   // alcohol abuse
            ("5602001", true),    // opioid abuse
            ("6525002", true),    // dependent drug abuse
            ("55680006", true),   // drug overdose
            ("228557008", true),  // cognitive and behavioural therapy
            ("76168009", true),   // group psychotherapy
            ("183401008", true),  // anxiety management
            ("385724004", true),  // anxiety: counselling
            ("171207006", false), // depression screening
            ("72892002", true),   // normal pregnancy
            ("19169002", true),   // miscarriage
            ("77386006", true),   // pregnant
            ("424441002", true),  // prenatal initial visit
            ("424619006", true),  // prenatal visit
            ("86849004", true),   // suicidal deliberate poisoning
            ("225444004", true),  // at risk for suicide
            ("26929004", true),   // Alzheimer's disease
            ("86406008", true),   // human immunodeficiency virus infection
        ];
        return BY_HEART
            .iter()
            .find(|(known, _)| *known == code)
            .and_then(|(_, event)| hit("SNOMED", *event));
    }
    None
}
