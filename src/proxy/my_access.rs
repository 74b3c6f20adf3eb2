//! `GET /.sequester/my-access`: who asked for the records of the person who asks. No upstream, no
//! parameter: nobody can name somebody else.

use super::refusal::Refusal;
use super::response::{self, ReaderBody};
use super::{Course, Proxy, member_id};
use crate::audit::{Entry, Event};
use crate::engine::facts::{People, Relation};
use crate::engine::released;
use crate::members::Moment;
use hyper::Response;

/// Paths of ours. No shape can have them.
const OURS: &str = "/.sequester/";

const ROUTE: &str = "GET /.sequester/my-access";

/// Whether a request is for us and not for the upstream.
pub(super) fn is_ours(target: &str) -> bool {
    target.starts_with(OURS)
}

/// Answers such a request.
pub(super) async fn answer(
    proxy: &Proxy,
    people: &dyn People,
    course: &mut Course,
    method: &str,
    target: &str,
) -> Result<Response<ReaderBody>, Refusal> {
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    if path.strip_prefix(OURS) != Some("my-access") {
        return Err(Refusal::Engine(released::Refusal::NotFound));
    }
    course.asker.route = Some(ROUTE.to_owned());
    if !matches!(method, "GET" | "HEAD") {
        return Err(Refusal::Engine(released::Refusal::Method { allow: "GET, HEAD" }));
    }
    if query.is_some() {
        return Err(Refusal::Malformed("a query where none belongs"));
    }
    // SILENCE-HIDES: somebody who is in no row of members has no records here.
    let subject = member_id(people);
    let relation = |reader: &str| relation(proxy, course.came, reader, subject.as_deref()?);
    let account = proxy.audit.account_of(subject.as_deref(), relation).await;
    let account = account.map_err(|_| Refusal::NotReady)?;
    let leaves = if course.is_head { 0 } else { account.len() };
    let entry = Entry::new(&course.asker, Event::Answer).status(200).bytes(leaves);
    let opened = proxy.recorded(proxy.audit.release_account(&entry, account)).await?;
    Ok(response::account(&course.asker.request, opened, course.is_head))
}

/// How a reader stands towards a person today.
fn relation(proxy: &Proxy, since: Moment, reader: &str, subject: &str) -> Option<&'static str> {
    let (_, people) = proxy.world.judging(reader, since);
    people.reader()?;
    people.standing(people.find(subject)?).relation().map(Relation::name)
}
