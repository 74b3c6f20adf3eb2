//! Two worlds that differ only in what is hidden from a reader about somebody else.

use super::family::{Content, EVERYBODY, Family, Role, SENSITIVE};
use super::marks;
use super::random::Random;
use super::records::{Api, Item, Maker};
use serde_json::{Value, json};

/// All that one upstream holds, and how it is in the habit of saying it.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub items: Vec<Item>,
    pub habits: Habits,
}

/// What an upstream says besides records: it may depend on the hidden ones.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Most records on one of its pages.
    pub page_records_max: usize,
    /// Something new each time anything changes.
    pub version: String,
    pub gzip: bool,
    pub chunked: bool,
    /// Whether a FHIR list of nothing is `[]`, or left out: the same in both worlds.
    pub says_empty: bool,
    /// Whether JSON comes with white space: the same in both worlds.
    pub pretty: bool,
    /// What is not there was once.
    pub gone: bool,
}

/// One pair of worlds, and who looks at them.
#[derive(Clone, Debug)]
pub struct Pair {
    pub family: Family,
    pub reader: Role,
    pub worlds: [World; 2],
}

/// How many families are on file: so many that none comes again to the same proxy within the
/// minute for which what was looked up for it is kept. A pair differs in its worlds, not in time.
pub const FAMILIES: usize = 8_000;

impl Pair {
    /// The pair of a seed. `pages`: whether upstream pages may be short.
    pub fn new(seed: u64, pages: bool) -> Pair {
        let mut random = Random::new(seed);
        let number = usize::try_from(seed).unwrap_or_default() % FAMILIES;
        let family = Family::new(number);
        let reader = Family::reader(&mut random);
        let tag = format!("{seed:x}");
        let short_pages = pages && random.once_in(2);
        let mut maker = Maker { family: &family, reader, tag, random: &mut random, count: 0 };
        let (seen, unseen) = maker.everything();
        let mut worlds = [World::default(), World::default()];
        let hidden = maker.two_versions(unseen);
        for (world, hidden) in worlds.iter_mut().zip(hidden) {
            let mut seen = seen.clone();
            maker.fill_containers(&mut seen);
            for item in &mut seen {
                maker.noise(item, &hidden);
            }
            world.items = weave(maker.random, seen, hidden);
            world.habits = maker.habits(short_pages);
            world.habits.says_empty = seed.is_multiple_of(2);
            world.habits.pretty = seed.is_multiple_of(3);
        }
        Pair { family, reader, worlds }
    }
}

/// The hidden ones between the others, which keep their order.
fn weave(random: &mut Random, seen: Vec<Item>, mut hidden: Vec<Item>) -> Vec<Item> {
    random.shuffle(&mut hidden);
    let mut woven = Vec::with_capacity(seen.len() + hidden.len());
    let (mut seen, mut hidden) = (seen.into_iter().peekable(), hidden.into_iter().peekable());
    while seen.peek().is_some() || hidden.peek().is_some() {
        let take_hidden = match (seen.peek(), hidden.peek()) {
            (Some(_), Some(_)) => random.once_in(2),
            (None, _) => true,
            _ => false,
        };
        woven.extend(if take_hidden { hidden.next() } else { seen.next() });
    }
    woven
}

impl Maker<'_> {
    fn habits(&mut self, short_pages: bool) -> Habits {
        let page_records_max = if short_pages { 1 + self.random.below(6) } else { 1000 };
        Habits {
            page_records_max,
            version: marks::mark(self.random),
            gzip: self.random.once_in(4),
            chunked: self.random.once_in(3),
            says_empty: false,
            pretty: false,
            gone: self.random.once_in(3),
        }
    }

    /// What the reader may see, and units of what they may not.
    fn everything(&mut self) -> (Vec<Item>, Vec<Vec<Item>>) {
        let (mut seen, mut unseen) = (Vec::new(), Vec::new());
        let people: Vec<Role> = EVERYBODY.into_iter().filter(|_| !self.random.once_in(4)).collect();
        for who in people.iter().copied() {
            if who != Role::Nobody {
                let person = [self.person(who), self.house_person(who)].concat();
                self.sort_out(person, &mut seen, &mut unseen);
            }
        }
        for _ in 0..2 + self.random.below(9) {
            let who = *self.random.pick(&EVERYBODY[..5]);
            let content = if self.random.once_in(4) { Content::Mental } else { Content::Ordinary };
            // What is one's own is no part of the difference, but for notes, which the reader
            // is told of.
            if !self.is_hidden(who, content) {
                let visit = self.either_visit(who, content);
                seen.extend(visit);
            }
        }
        if self.random.once_in(3) {
            let who = *self.random.pick(&EVERYBODY[..5]);
            if !self.is_hidden(who, Content::Ordinary) {
                seen.push(self.problems(who));
            }
        }
        for letter in [true, false] {
            if self.random.once_in(2) {
                seen.push(self.container(letter, false));
            }
        }
        for _ in 0..1 + self.random.below(4) {
            if let Some((who, content)) = self.secret() {
                unseen.push(self.either_visit(who, content));
            }
        }
        if self.random.once_in(3) {
            unseen.push(vec![self.astray()]);
        }
        if self.random.once_in(4) {
            unseen.extend(self.hidden_container().map(|item| vec![item]));
        }
        self.random.shuffle(&mut seen);
        (seen, unseen)
    }

    fn either_visit(&mut self, who: Role, content: Content) -> Vec<Item> {
        if who != Role::Nobody && self.random.once_in(2) {
            self.house_visit(who, content)
        } else {
            self.visit(who, content)
        }
    }

    fn sort_out(&self, items: Vec<Item>, seen: &mut Vec<Item>, unseen: &mut Vec<Vec<Item>>) {
        for item in items {
            if self.is_hidden(item.who, item.content) {
                unseen.push(vec![item]);
            } else {
                seen.push(item);
            }
        }
    }

    /// Somebody else, and something of theirs that the reader may not see.
    fn secret(&mut self) -> Option<(Role, Content)> {
        for _ in 0..20 {
            let who = *self.random.pick(&EVERYBODY);
            let content = if self.random.once_in(5) {
                Content::Ordinary
            } else {
                *self.random.pick(&SENSITIVE)
            };
            // A note hides itself; the event it belongs to is a mental-health one, which some
            // may know of.
            let mere_note = content == Content::Note && !self.is_hidden(who, Content::Mental);
            if who != self.reader && !mere_note && self.is_hidden(who, content) {
                return Some((who, content));
            }
        }
        None
    }

    /// A letter or payment of which every part is hidden.
    fn hidden_container(&mut self) -> Option<Item> {
        let letter = self.random.once_in(2);
        let mut item = self.container(letter, true);
        let parts = if letter { "sections" } else { "lines" };
        for _ in 0..1 + self.random.below(3) {
            let (who, content) = self.secret()?;
            let part = self.part(letter, who, content);
            item.body[parts].as_array_mut()?.push(part);
        }
        Some(item)
    }

    /// Parts of the letters and payments that the reader gets: their own, often somebody else's,
    /// and between them hidden ones of this world.
    fn fill_containers(&mut self, seen: &mut [Item]) {
        let mine = if self.reader == Role::Nobody { Role::Mother } else { self.reader };
        let people: Vec<Role> = EVERYBODY
            .into_iter()
            .filter(|who| *who != mine && !self.is_hidden(*who, Content::Ordinary))
            .take(1)
            .chain([mine])
            .collect();
        // A family total: it leaves where nobody else is on the contract.
        let alone = matches!(self.reader, Role::Neighbour);
        for item in seen.iter_mut().filter(|item| matches!(item.kind, "letter" | "payment")) {
            let letter = item.kind == "letter";
            let mut parts = Vec::new();
            // The same in both worlds, whatever else is random.
            let mut fixed = Random::new(u64::try_from(item.id.len()).unwrap());
            let skipped = people.len().saturating_sub(1) * (item.id.len() % 2);
            for (number, who) in people.iter().skip(skipped).enumerate() {
                let random = std::mem::replace(self.random, fixed.clone());
                let mut part = self.part(letter, *who, Content::Ordinary);
                fixed = std::mem::replace(self.random, random);
                let key = if letter { "sectionId" } else { "lineId" };
                part[key] = format!("{}-{number}", item.id).into();
                parts.push(part);
            }
            // A total that stands alone is of these lines: a stranger's would make it another sum.
            let stands_alone = !letter && alone && item.id.len() % 2 == 0;
            let hidden = if stands_alone { 0 } else { self.random.below(3) };
            for _ in 0..hidden {
                if let Some((who, content)) = self.secret() {
                    let part = self.part(letter, who, content);
                    let at = self.random.below(parts.len() + 1);
                    parts.insert(at, part);
                }
            }
            if stands_alone {
                item.body["total"] = json!(17);
            } else if alone {
                // Without one: a stranger may be in it.
            } else if !letter && self.random.once_in(2) {
                item.body["total"] = json!(marks::number(self.random));
                item.body["checkNumber"] = json!(marks::mark(self.random));
            }
            item.body[if letter { "sections" } else { "lines" }] = parts.into();
        }
    }

    /// What the two worlds hold of the hidden: here only, there only, the same, changed, in part.
    fn two_versions(&mut self, units: Vec<Vec<Item>>) -> [Vec<Item>; 2] {
        let [mut one, mut other] = [Vec::new(), Vec::new()];
        for unit in units {
            // One that tells nothing by itself is never without the rest of its visit.
            let whole = unit.iter().any(|item| item.silent);
            match self.random.below(if whole { 4 } else { 6 }) {
                0 | 1 => one.extend(unit),
                2 => other.extend(unit),
                3 => {
                    one.extend(unit.clone());
                    other.extend(unit);
                }
                4 => {
                    let changed = unit.iter().map(|item| self.changed(item)).collect::<Vec<_>>();
                    one.extend(unit);
                    other.extend(changed);
                }
                _ => {
                    let part = unit.iter().filter(|_| self.random.once_in(2)).cloned();
                    other.extend(part.collect::<Vec<_>>());
                    one.extend(unit);
                }
            }
        }
        [one, other]
    }

    /// The same record by kind, id and person, with another content.
    fn changed(&mut self, item: &Item) -> Item {
        let mut changed = item.clone();
        for _ in 0..self.random.below(4) {
            let key = marks::mark(self.random);
            changed.body[key] = self.words(true, "changed").into();
        }
        let texts = ["status", "serviceDate", "sentOn", "recordedDate"];
        changed.body[*self.random.pick(&texts)] = marks::mark(self.random).into();
        // Without what ties it to others; a child's records each tell by themselves.
        if self.random.once_in(2)
            && item.content != Content::Note
            && item.kind != "DocumentReference"
        {
            for link in ["encounter", "related", "supportingInfo"] {
                changed.body.as_object_mut().unwrap().remove(link);
            }
        }
        changed
    }

    /// Hidden places of records that the reader gets: there or not, empty or full.
    fn noise(&mut self, item: &mut Item, hidden: &[Item]) {
        let others = item.who != self.reader && !matches!(item.kind, "letter" | "payment");
        let grown = matches!(item.who, Role::Mother | Role::Father | Role::Daughter);
        let private = others && item.who != Role::Kid && item.content == Content::Ordinary;
        match item.api {
            Api::Fhir => self.fhir_noise(item, others, private, grown, hidden),
            Api::House => self.house_noise(item, others, private, grown),
        }
    }

    fn fhir_noise(
        &mut self,
        item: &mut Item,
        others: bool,
        private: bool,
        grown: bool,
        hidden: &[Item],
    ) {
        if others {
            let version = format!("{}", self.random.below(99));
            let day = self.day(true);
            self.place(
                item,
                "meta",
                json!({"versionId": version, "lastUpdated": format!("{day}T10:00:00Z")}),
            );
            let mark = marks::mark(self.random);
            let text = json!({"status": "generated", "div": format!("<div>{mark}</div>")});
            self.place(item, "text", text);
            self.place(item, "internalFlags", json!([mark]));
            self.place(
                item,
                "extension",
                json!([{"url": format!("http://x.example/{mark}"), "valueString": "x"}]),
            );
        }
        let mark = marks::mark(self.random);
        match item.kind {
            "Patient" if private && grown => {
                self.place(item, "address", json!([{"line": [mark], "city": "Columbus"}]));
                self.place(item, "telecom", json!([{"system": "phone", "value": mark}]));
            }
            "ExplanationOfBenefit" if private => {
                // That there is a note is no secret, what it says is.
                item.body["processNote"] = json!([{"number": 1}]);
                if self.random.once_in(2) {
                    item.body["processNote"][0]["text"] = mark.into();
                }
                let used = json!([{"category": {"text": "Deductible"},
                    "financial": [{"type": {"text": "used"}, "usedMoney": {"value": marks::number(self.random)}}]}]);
                self.place(item, "benefitBalance", used);
            }
            "Provenance" if others => {
                // It speaks of hidden records of the same person too.
                let of_theirs = hidden.iter().filter(|other| {
                    other.who == item.who && matches!(other.kind, "Condition" | "Encounter")
                });
                let mut targets: Vec<Value> = of_theirs
                    .map(|other| json!({"reference": format!("{}/{}", other.kind, other.id)}))
                    .collect();
                let own = item.body["target"][0].clone();
                targets.insert(self.random.below(targets.len() + 1), own);
                item.body["target"] = targets.into();
            }
            "List" if others => {
                let of_theirs = hidden
                    .iter()
                    .filter(|other| other.who == item.who && other.kind == "Condition")
                    .map(|other| format!("Condition/{}", other.id));
                let mut entries: Vec<String> = of_theirs.collect();
                if self.random.once_in(2) {
                    entries.push(format!("Condition/{mark}"));
                }
                let entry = |reference: &String| json!({"item": {"reference": reference}});
                let mut entries: Vec<Value> = entries.iter().map(entry).collect();
                let own = json!({"item": {"reference": format!("Patient/{}", self.family.patient(item.who))}});
                entries.insert(self.random.below(entries.len() + 1), own);
                item.body["entry"] = entries.into();
            }
            _ => {}
        }
    }

    fn house_noise(&mut self, item: &mut Item, others: bool, private: bool, grown: bool) {
        let (mark, number) = (marks::mark(self.random), marks::number(self.random));
        if others {
            self.place(item, "internalFlags", json!([mark]));
        }
        // About everyone on the contract, and so nobody's, whoever reads; the neighbour is alone
        // on his.
        let alone = item.who == Role::Neighbour && !others;
        match item.kind {
            _ if alone => {}
            "member" => self.place(item, "familyDeductibleUsed", json!(number)),
            "accumulator" => self.place(item, "familyUsed", json!(number)),
            _ => {}
        }
        if !private {
            return;
        }
        match item.kind {
            "claim" => {
                self.place(item, "memo", json!(mark));
                if self.random.once_in(2) {
                    item.body["lines"][0]["remark"] = mark.into();
                }
            }
            "member" => {
                self.place(item, "deductibleUsed", json!(number));
                self.place(item, "claimCount", json!(number));
                if grown {
                    self.place(item, "address", json!({"line": mark}));
                    self.place(item, "phone", json!(mark));
                }
            }
            "accumulator" => {
                self.place(item, "used", json!(number));
                self.place(item, "visitsUsed", json!(number));
            }
            "prescription" => self.place(item, "directions", json!(mark)),
            "authorization" => {
                item.body["rationale"] = mark.into();
                item.body["services"][0]["used"] = json!(number);
            }
            "message" => {
                item.body["title"] = mark.clone().into();
                item.body["text"] = mark.into();
            }
            _ => {}
        }
    }

    fn place(&mut self, item: &mut Item, key: &str, value: Value) {
        if self.random.once_in(2) {
            item.body[key] = value;
        }
    }
}
