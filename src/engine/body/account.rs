//! The report: counts always, an account of each record where it was asked for.

use super::{Body, Whose};
use crate::engine::category::Category;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::document::text;
use crate::engine::explain::{Account, CutAccount, Evidence, RecordAccount};
use crate::engine::facts::PersonId;
use crate::engine::released::{Report, at_name};
use crate::engine::shapes::meant::Field;
use crate::engine::sites::What;
use std::borrow::Cow;

impl Body<'_> {
    pub(super) fn account(&mut self) {
        self.count_unknown_members();
        for record in 0..self.records.len() {
            self.count(record);
        }
        for cut in &self.cut_outs {
            if self.is_released(cut.record) && !self.is_elsewhere(cut.record) {
                self.report.cut = self.report.cut.saturating_add(1);
                for rule in &cut.rules {
                    let id = self.terms.policy.rules.rule_id(*rule);
                    at_name(&mut self.report.rules, id, |count| *count += 1);
                }
            }
        }
        self.report.own_note_withheld = self.own_note_withheld();
        if self.terms.explain {
            let records = (0..self.records.len()).map(|record| self.record_account(record));
            let records: Vec<RecordAccount> = records.collect();
            let outside = self.outside.iter().map(|node| self.place(*node, NodeId(0)));
            let envelope = outside.collect();
            self.report.account = Some(Account { records, envelope });
        }
    }

    fn count(&mut self, record: usize) {
        let released = self.is_released(record);
        if released && self.is_elsewhere(record) {
            return;
        }
        let Some(this) = self.records.get(record) else { return };
        let report = &mut self.report;
        let counter = if released { &mut report.released } else { &mut report.withheld };
        *counter = counter.saturating_add(1);
        if !released {
            for rule in &this.rules {
                let id = self.terms.policy.rules.rule_id(*rule);
                at_name(&mut report.rules, id, |count| *count += 1);
            }
        }
        let tally = |name: &str, shared: bool, report: &mut Report| {
            let rules = this.rules.iter().map(|rule| self.terms.policy.rules.rule_id(*rule));
            at_name(&mut report.by_subject, name, |tally| tally.count(released, shared, rules));
        };
        match &this.whose {
            Whose::People(people) => {
                for person in people {
                    let id = self.terms.people.member_id(*person).unwrap_or_default();
                    tally(id, people.len() > 1, report);
                    if released && !report.subjects.iter().any(|subject| subject == id) {
                        report.subjects.push(id.to_owned());
                        report.subjects.sort_unstable();
                    }
                }
            }
            Whose::Unknown => tally("?", false, report),
            Whose::Public | Whose::Attached | Whose::Container => {}
        }
    }

    /// DESIGN 4.5: the subject is told that one of their own notes was withheld.
    fn own_note_withheld(&self) -> bool {
        (0..self.records.len()).any(|record| {
            let Some(this) = self.records.get(record) else { return false };
            let field = Field { category: Category::PsychotherapyNotes, about_contract: false };
            let cut = || {
                self.sites(record)
                    .iter()
                    .any(|site| site.what == What::Field(field) && self.cuts.contains(site.node))
            };
            this.note && self.is_own(record) && (!this.released || cut())
        })
    }

    fn record_account(&self, record: usize) -> RecordAccount {
        let Some(this) = self.records.get(record) else { return RecordAccount::default() };
        let rules = &self.terms.policy.rules;
        let ids = |numbers: &[u16]| numbers.iter().map(|n| rules.rule_id(*n).to_owned()).collect();
        let people = self.terms.people;
        let id = |person: &PersonId| people.member_id(*person).unwrap_or_default().to_owned();
        let mut subjects: Vec<String> = self.people(record).iter().map(id).collect();
        if this.whose == Whose::Unknown {
            subjects.push("?".to_owned());
        }
        let mut reasons: Vec<String> = ids(&this.rules);
        if !this.released && reasons.is_empty() {
            let pending = match this.whose {
                Whose::Public | Whose::Attached => "nothing that leaves points at it",
                _ => "withheld",
            };
            reasons.push(this.reason.unwrap_or(pending).to_owned());
        }
        let evidence = this.evidence.iter().map(|why| Evidence {
            categories: why.categories.iter().map(Category::name).collect(),
            place: self.place(why.node, this.root),
            because: why.because.clone(),
        });
        RecordAccount {
            place: self.place(this.root, NodeId(0)),
            kind: self.kind_name(record),
            id: self.id(record),
            subjects,
            categories: this.carries.iter().map(Category::name).collect(),
            released: this.released,
            rules: reasons,
            evidence: evidence.collect(),
            cuts: if this.released { self.cut_accounts(record) } else { Vec::new() },
        }
    }

    /// What was cut from a record. Several causes may end in one cut; it is told once.
    fn cut_accounts(&self, record: usize) -> Vec<CutAccount> {
        let rules = &self.terms.policy.rules;
        let root = self.records.get(record).map_or(NodeId(0), |record| record.root);
        let of_record: Vec<&super::CutOut> =
            self.cut_outs.iter().filter(|cut| cut.record == record).collect();
        let within = |node: NodeId, outer: NodeId| {
            self.doc.get(outer).is_some_and(|of| outer <= node && node.0 < of.next)
        };
        let mut told: Vec<NodeId> = Vec::new();
        let mut accounts = Vec::new();
        for cut in &of_record {
            let inside = of_record.iter().any(|o| o.node != cut.node && within(cut.node, o.node));
            if inside || told.contains(&cut.node) {
                continue;
            }
            told.push(cut.node);
            let asked = of_record.iter().filter(|inner| within(inner.asked, cut.node));
            accounts.push(CutAccount {
                place: self.place(cut.node, root),
                asked: asked.map(|inner| self.place(inner.asked, root)).collect(),
                because: cut.because.to_owned(),
                rules: cut.rules.iter().map(|n| rules.rule_id(*n).to_owned()).collect(),
            });
        }
        accounts
    }

    fn kind_name(&self, record: usize) -> String {
        let name = &self.kind(record).name;
        if name.is_empty() { "(not named by the shape)".to_owned() } else { name.clone() }
    }

    fn id(&self, record: usize) -> Option<String> {
        let mut sites = self.sites(record).iter();
        let declared =
            sites.find(|site| site.what == What::Id).and_then(|s| self.doc.scalar(s.node));
        let root = self.records.get(record)?.root;
        let fhir =
            || self.doc.member(root, self.terms.shape.keys.id).and_then(|at| self.doc.scalar(at));
        let id = declared.or_else(|| if self.terms.shape.fhir { fhir() } else { None });
        id.map(Cow::into_owned)
    }

    /// The normalized path (RFC 9535 section 2.7, in the short form where a name allows it) from
    /// a node above to a node.
    pub(super) fn place(&self, node: NodeId, from: NodeId) -> String {
        let mut hops = Vec::new();
        let mut at = node;
        while at != from {
            let parent = self.doc.parent(at);
            let (Some(inner), Some(above)) = (self.doc.get(at), self.doc.get(parent)) else {
                break;
            };
            if above.kind == Json::Array {
                let index = self.doc.children(parent).position(|(child, _)| child == at);
                hops.push(format!("[{}]", index.unwrap_or_default()));
            } else {
                let key = text::key_of(self.doc.json, inner);
                let plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                hops.push(if plain { format!(".{key}") } else { format!("[{key:?}]") });
            }
            if parent == at {
                break;
            }
            at = parent;
        }
        hops.push("$".to_owned());
        hops.reverse();
        hops.concat()
    }
}
