//! The sorts of questions, and when an answer tells.

use super::answers::{counts, has_records, matches, next_page, stand_in, told_apart};
use super::ask::{Answer, Ask, Asker};
use super::{Asking, Told};
use std::io;

/// Most pages that are followed: the family has a few hundred records.
const PAGES_MAX: usize = 400;

/// A question, by what must hold of the answers.
pub(super) enum Question {
    /// Nothing that is hidden stands in any answer to the mother.
    Silent(Vec<Ask>),
    /// The mother cannot tell the two answers of each pair apart.
    Alike(Vec<(Ask, Ask)>),
    /// Nothing counts what is not there.
    Uncounted(Vec<Ask>),
    /// Every page but the last is as full as was asked for, none is empty, and together they
    /// hold what one large page does.
    Full { pages: Ask, size: usize, whole: Ask },
    /// A place in the daughter's list is no place in the mother's.
    Bound(Ask),
    /// None of these fields stand in the answers.
    Without(Vec<Ask>, &'static [&'static str]),
    /// None of the answers has one of these statuses.
    Never(Vec<Ask>, &'static [u16]),
    /// An answer that no cache keeps.
    Uncached(Vec<Ask>),
    /// Nothing stands in for what was taken away.
    Unmarked(Vec<Ask>),
    /// HEAD says what GET says.
    HeadAsGet(Vec<Ask>),
    /// Without a token, or with one of nobody's, there are no records.
    Locked(Vec<Ask>),
    /// The daughter sees what is hidden from her mother.
    Hers(Vec<Ask>),
    /// The mother sees something: a deployment that hides all of everything has not passed.
    Open(Vec<Ask>),
    /// What the mother finds in a list she can read by its address.
    Readable(Ask),
}

impl Asking {
    /// The first request by which a channel tells, if it does.
    pub(super) async fn told(&self, question: &Question) -> io::Result<Option<Told>> {
        match question {
            Question::Silent(asks) => self.each(asks, |answer| self.found.secret_in(answer)).await,
            Question::Uncounted(asks) => {
                self.each(asks, |answer| counts(answer, matches(answer))).await
            }
            Question::Without(asks, fields) => {
                self.each(asks, |answer| {
                    let field = fields.iter().find(|name| answer.field(name).is_some());
                    field.map(|name| format!("the field `{name}` is there"))
                })
                .await
            }
            Question::Never(asks, statuses) => {
                self.each(asks, |answer| {
                    let secret = self.found.secret_in(answer);
                    let is_one = statuses.contains(&answer.status);
                    secret.or_else(|| is_one.then(|| format!("the status is {}", answer.status)))
                })
                .await
            }
            Question::Uncached(asks) => {
                self.each(asks, |answer| {
                    let control = answer.field("cache-control").unwrap_or_default();
                    (!control.contains("no-store")).then(|| format!("`cache-control: {control}`"))
                })
                .await
            }
            Question::Unmarked(asks) => self.each(asks, stand_in).await,
            Question::Alike(pairs) => self.alike(pairs).await,
            Question::HeadAsGet(asks) => self.head_as_get(asks).await,
            Question::Full { pages, size, whole } => self.full(pages, *size, whole).await,
            Question::Bound(ask) => self.bound(ask).await,
            Question::Locked(asks) => self.locked(asks).await,
            Question::Hers(asks) => self.hers(asks).await,
            Question::Open(asks) => self.open(asks).await,
            Question::Readable(ask) => self.readable(ask).await,
        }
    }

    async fn each(
        &self,
        asks: &[Ask],
        tells: impl Fn(&Answer) -> Option<String>,
    ) -> io::Result<Option<Told>> {
        for ask in asks {
            if let Some(what) = tells(&self.mother(ask).await?) {
                return Ok(Some(Told { ask: ask.clone(), what }));
            }
        }
        Ok(None)
    }

    async fn alike(&self, pairs: &[(Ask, Ask)]) -> io::Result<Option<Told>> {
        for (one, other) in pairs {
            let answers = (self.mother(one).await?, self.mother(other).await?);
            if let Some(what) = told_apart(&answers.0, &answers.1) {
                let what = format!("{what}, compared with {}", other.shown());
                return Ok(Some(Told { ask: one.clone(), what }));
            }
        }
        Ok(None)
    }

    async fn head_as_get(&self, asks: &[Ask]) -> io::Result<Option<Told>> {
        for ask in asks {
            let get = self.mother(ask).await?;
            let ask = ask.clone().by("HEAD");
            let head = self.mother(&ask).await?;
            let without_body = Answer { body: Vec::new(), ..get };
            if let Some(what) = told_apart(&head, &without_body) {
                return Ok(Some(Told { ask, what }));
            }
        }
        Ok(None)
    }

    async fn full(&self, pages: &Ask, size: usize, whole: &Ask) -> io::Result<Option<Told>> {
        let expected = matches(&self.mother(whole).await?);
        let mut ask = pages.clone();
        let mut met = 0usize;
        for page in 0..PAGES_MAX {
            let answer = self.mother(&ask).await?;
            let count = matches(&answer);
            met = met.saturating_add(count);
            let told = |what: String| Ok(Some(Told { ask: ask.clone(), what }));
            if let Some(what) = self.found.secret_in(&answer) {
                return told(what);
            }
            let next = next_page(&ask.target, &answer);
            if next.is_some() && count != size {
                return told(format!("{count} records on a page of {size}, and a next page"));
            }
            if next.is_none() {
                if count == 0 && page > 0 {
                    return told("the last page is empty".to_owned());
                }
                let short = format!("{met} records on all pages, {expected} on one");
                return if met == expected { Ok(None) } else { told(short) };
            }
            ask = Ask::get(next.unwrap_or_default());
        }
        Ok(Some(Told { ask, what: "the pages do not end".to_owned() }))
    }

    async fn bound(&self, ask: &Ask) -> io::Result<Option<Told>> {
        let hers = self.deployment.ask(Asker::Daughter, ask).await?;
        let Some(next) = next_page(&ask.target, &hers) else { return Ok(None) };
        let ask = Ask::get(next);
        let answer = self.mother(&ask).await?;
        let secret = self.found.secret_in(&answer);
        let works = || {
            let works = answer.status == 200 && has_records(&answer);
            works.then(|| "the daughter's place in a list works for her mother".to_owned())
        };
        Ok(secret.or_else(works).map(|what| Told { ask, what }))
    }

    async fn locked(&self, asks: &[Ask]) -> io::Result<Option<Told>> {
        for ask in asks {
            let answer = self.deployment.ask(Asker::Stranger, ask).await?;
            if has_records(&answer) || self.found.secret_in(&answer).is_some() {
                let what = format!("status {}, with records", answer.status);
                return Ok(Some(Told { ask: ask.clone(), what }));
            }
        }
        Ok(None)
    }

    async fn hers(&self, asks: &[Ask]) -> io::Result<Option<Told>> {
        for ask in asks {
            let answer = self.deployment.ask(Asker::Daughter, ask).await?;
            if self.found.counted(&answer).0 == 0 {
                let what =
                    format!("status {}: the daughter sees nothing that is hers", answer.status);
                return Ok(Some(Told { ask: ask.clone(), what }));
            }
        }
        Ok(None)
    }

    async fn open(&self, asks: &[Ask]) -> io::Result<Option<Told>> {
        self.each(asks, |answer| {
            let nothing = self.found.counted(answer).1 == 0;
            nothing.then(|| format!("status {}: the mother sees nothing at all", answer.status))
        })
        .await
    }

    async fn readable(&self, list: &Ask) -> io::Result<Option<Told>> {
        let found = self.mother(list).await?;
        for (_, kind, id, _) in super::super::judge::records_in(&found.body).into_iter().take(5) {
            let ask = Ask::get(format!("/fhir/{kind}/{id}"));
            let answer = self.mother(&ask).await?;
            if answer.status != 200 {
                let what = format!("status {}, though a list shows it", answer.status);
                return Ok(Some(Told { ask, what }));
            }
        }
        Ok(None)
    }
}
