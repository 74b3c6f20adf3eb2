//! Records of the portal's own JSON: claims, messages, letters, payments, prescriptions,
//! authorizations, counters.

use super::family::{Content, Role};
use super::marks;
use super::records::{Api, Item, Maker};
use serde_json::{Value, json};

/// What an ordinary visit and a hidden one are written down as: ICD-10-CM, CPT, taxonomy.
fn codes(content: Content) -> (&'static str, &'static str, &'static str) {
    match content {
        Content::Ordinary => ("J20.9", "99213", "207Q00000X"),
        Content::Mental | Content::Note => ("F33.1", "90837", "103TC0700X"),
        Content::Substance => ("F10.20", "99408", "207Q00000X"),
        Content::Reproductive => ("Z33.1", "59400", "207V00000X"),
        Content::Abuse => ("T74.11XA", "99214", "207Q00000X"),
        Content::Unclear => ("QX-1", "QX-2", "QX-3"),
    }
}

impl Maker<'_> {
    fn put(
        &mut self,
        who: Role,
        content: Content,
        kind: &'static str,
        key: &str,
        mut body: Value,
    ) -> Item {
        let hidden = self.is_hidden(who, content);
        let id = if hidden { marks::mark(self.random) } else { self.id("H") };
        body[key] = id.clone().into();
        if hidden {
            let key = marks::mark(self.random);
            body[key] = json!(marks::number(self.random));
        }
        Item { api: Api::House, kind, id, who, content, body, silent: false }
    }

    /// Makes it a claim of a blood test.
    fn tells_nothing(&mut self, claim: &mut Value) {
        claim["status"] = (*self.random.pick(&["paid", "denied"])).into();
        claim["provider"] = json!({"npi": "9990000099", "name": self.words(true, "Laboratory")});
        claim["diagnoses"] = json!([{"code": "Z00.00"}]);
        claim["lines"] = json!([{"line": 1, "code": "36415", "codeSystem": "CPT", "amount": 16}]);
    }

    /// A claim and, of the same visit, some of what comes with it.
    pub fn house_visit(&mut self, who: Role, content: Content) -> Vec<Item> {
        let hidden = self.is_hidden(who, content);
        let (member, day) = (self.family.member(who), self.day(hidden));
        let (icd, cpt, taxonomy) = codes(content);
        let visit = self.id("V");
        let provider = json!({"npi": format!("99900000{:02}", self.random.below(90)),
                              "name": self.words(hidden, "Riverside"), "taxonomy": taxonomy});
        let line = |maker: &mut Self, number: usize, cpt: &str| {
            json!({"line": number, "code": cpt, "codeSystem": "CPT",
                   "display": maker.words(hidden, "Office visit"), "amount": 10 + maker.random.below(300)})
        };
        let lines = if hidden { 1 + self.random.below(3) } else { 1 };
        let lines: Vec<Value> = (1..=lines).map(|number| line(self, number, cpt)).collect();
        let mut body = json!({
            "memberId": member, "visitId": visit, "serviceDate": day,
            "status": *self.random.pick(&["paid", "denied"]), "provider": provider,
            "diagnoses": [{"code": icd, "display": self.words(hidden, "Diagnosis")}], "lines": lines,
            "amounts": {"billed": self.random.below(500)},
        });
        if content == Content::Note {
            body["lines"][0]["therapistNote"] = self.words(true, "Spoke of the day").into();
        }
        let mut items = vec![self.put(who, content, "claim", "claimId", body)];
        // Of a hidden visit there may be a claim that tells nothing but the visit it was of.
        let shared = !matches!(content, Content::Ordinary | Content::Unclear);
        if hidden && shared && self.random.once_in(2) {
            let mut body = json!({"memberId": member, "visitId": visit, "serviceDate": day});
            self.tells_nothing(&mut body);
            let claim = self.put(who, content, "claim", "claimId", body);
            items.push(Item { silent: true, ..claim });
        }
        if self.random.once_in(3) {
            let body = json!({
                "memberId": member, "about": [member], "sentOn": day, "from": "Member services",
                "title": self.words(hidden, "A form"), "text": self.words(hidden, "Please fill it in"),
                "codes": [{"code": icd, "system": "ICD-10-CM"}],
            });
            items.push(self.put(who, content, "message", "messageId", body));
        }
        if self.random.once_in(3) {
            let body = json!({
                "memberId": member, "writtenOn": day, "filledOn": day, "visitId": visit,
                "drug": {"code": if hidden { "312940" } else { "308182" }, "codeSystem": "RxNorm",
                         "display": self.words(hidden, "Capsule")},
                "prescriber": provider, "quantity": 30, "amount": self.random.below(90),
            });
            let prescription = self.put(who, content, "prescription", "prescriptionId", body);
            // A psychiatric drug tells; any other is one of a visit that does.
            let silent = hidden && !self.is_hidden(who, Content::Mental);
            if !silent || shared {
                items.push(Item { silent, ..prescription });
            }
        }
        if self.random.once_in(3) {
            let body = json!({
                "memberId": member, "requestedOn": day, "decision": "approved", "provider": provider,
                "diagnoses": [{"code": icd}],
                "services": [{"code": cpt, "codeSystem": "CPT", "approved": 12, "used": self.random.below(9)}],
                "rationale": self.words(hidden, "as asked"),
            });
            items.push(self.put(who, content, "authorization", "authorizationId", body));
        }
        if self.random.once_in(4) {
            let body = json!({"memberId": member, "since": day, "provider": provider});
            // Of a provider only the taxonomy tells, and not of every one.
            let told = matches!(content, Content::Ordinary | Content::Mental | Content::Note);
            if told || !hidden {
                items.push(self.put(who, content, "care-team-member", "entryId", body));
            }
        }
        items
    }

    /// Somebody's place on the family's page, and their counters.
    pub fn house_person(&mut self, who: Role) -> Vec<Item> {
        let hidden = self.is_hidden(who, Content::Ordinary);
        let member = self.family.member(who);
        let body = json!({
            "memberId": member, "name": self.words(hidden, "Lindqvist"), "relationship": "child",
            "coverageStatus": "active",
        });
        let person = Item {
            api: Api::House,
            kind: "member",
            id: member.clone(),
            who,
            content: Content::Ordinary,
            body,
            silent: false,
        };
        let body = json!({
            "memberId": member, "title": self.words(hidden, "Deductible"), "year": 2026, "limit": 2000,
        });
        let counter = self.put(who, Content::Ordinary, "accumulator", "accumulatorId", body);
        vec![person, counter]
    }

    /// One part of a letter or a line of a payment.
    pub fn part(&mut self, letter: bool, who: Role, content: Content) -> Value {
        let hidden = self.is_hidden(who, content);
        let (icd, cpt, _) = codes(content);
        let member = self.family.member(who);
        let id = if hidden { marks::mark(self.random) } else { self.id("P") };
        let mut part = if letter {
            json!({"sectionId": id, "memberId": member, "title": self.words(hidden, "Your claim"),
                   "text": self.words(hidden, "We paid"), "codes": [{"code": icd, "system": "ICD-10-CM"}]})
        } else {
            let (code, system) = if hidden { (icd, "ICD-10-CM") } else { (cpt, "CPT") };
            json!({"lineId": id, "memberId": member, "serviceDate": self.day(hidden), "code": code, "codeSystem": system,
                   "provider": {"npi": "9990000011", "name": self.words(hidden, "Riverside")},
                   "amount": self.random.below(300)})
        };
        if hidden {
            part[marks::mark(self.random)] = json!(marks::number(self.random));
        }
        part
    }

    /// A letter or payment without its parts.
    pub fn container(&mut self, letter: bool, hidden: bool) -> Item {
        let id = if hidden { marks::mark(self.random) } else { self.id("L") };
        let (kind, body) = if letter {
            ("letter", json!({"letterId": id, "sentOn": self.day(hidden), "sections": []}))
        } else {
            ("payment", json!({"paymentId": id, "paidOn": self.day(hidden), "lines": []}))
        };
        let (who, content) = (Role::Mother, Content::Ordinary);
        Item { api: Api::House, kind, id, who, content, body, silent: false }
    }
}
