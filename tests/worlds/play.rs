//! Plays one sequence in both worlds and compares what comes back, byte for byte.

use super::client::Answer;
use super::leaks::Leak;
use super::marks;
use super::pair::Pair;
use super::payer::Reply;
use super::requests::{Step, sequence};
use super::stage::Side;
use std::sync::Arc;

/// How the answers of the two worlds differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Which step of the sequence.
    pub at: usize,
    pub what: String,
}

/// What happened on the way: a test in which nothing is hidden or nothing is seen proves little.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub pairs: usize,
    pub requests: usize,
    /// Requests to which the two upstreams said different things.
    pub told_apart_upstream: usize,
    /// Answers with at least one record.
    pub with_records: usize,
    pub pages: usize,
    pub over_limit: usize,
    pub statuses: [usize; 6],
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.pairs += other.pairs;
        self.requests += other.requests;
        self.told_apart_upstream += other.told_apart_upstream;
        self.with_records += other.with_records;
        self.pages += other.pages;
        self.over_limit += other.over_limit;
        for (mine, theirs) in self.statuses.iter_mut().zip(other.statuses) {
            *mine += theirs;
        }
    }
}

/// Plays the sequence of a pair; the first difference, if there is one.
pub async fn play(
    sides: &mut [Side; 2],
    pair: &Pair,
    steps: &[Step],
    leak: Option<Leak>,
) -> (Tally, Option<Difference>) {
    let mut tally = Tally { pairs: 1, ..Tally::default() };
    let asked = format!("{steps:?}");
    let [one, other] = sides;
    for (side, world) in [&mut *one, &mut *other].into_iter().zip(&pair.worlds) {
        side.upstream.holds(&Arc::new(world.clone()));
        side.begin();
    }
    let tokens = [one.token(&pair.family, pair.reader), other.token(&pair.family, pair.reader)];
    for (at, step) in steps.iter().enumerate() {
        let answers = tokio::join!(one.play(step, &tokens[0]), other.play(step, &tokens[1]));
        let said = [one.upstream.said(), other.upstream.said()];
        let difference = |what: String| Difference { at, what };
        let (mut first, mut second) = match answers {
            (Some(first), Some(second)) => (first, second),
            (None, None) => continue,
            _ => return (tally, Some(difference("a next page in one world only".to_owned()))),
        };
        tally.count(step, &first, &said);
        if let Some(leak) = leak {
            leak.into_answer(step, &mut first, &said[0]);
            leak.into_answer(step, &mut second, &said[1]);
        }
        for raw in [one.raw(), other.raw()] {
            // What a reader has asked for by name may come back in a link to the next page.
            if let Some(mark) = marks::find_but(raw, &asked) {
                return (tally, Some(difference(format!("the mark {mark} came through"))));
            }
        }
        if let Some(what) = told_apart(&first, &second) {
            return (tally, Some(difference(what)));
        }
    }
    (tally, None)
}

impl Tally {
    fn count(&mut self, step: &Step, answer: &Answer, said: &[Vec<Reply>; 2]) {
        self.requests += 1;
        self.statuses[usize::from(answer.status / 100).min(5)] += 1;
        self.pages += usize::from(*step == Step::Next);
        self.over_limit += usize::from(answer.status == 429);
        let bodies = |said: &Vec<Reply>| -> Vec<Vec<u8>> {
            said.iter().map(|reply| reply.plain.clone()).collect()
        };
        self.told_apart_upstream += usize::from(bodies(&said[0]) != bodies(&said[1]));
        let text = String::from_utf8_lossy(&answer.body);
        let has_records = text.contains("\"resourceType\":\"E")
            || text.contains("\"resource\":")
            || text.contains("\"memberId\":");
        self.with_records += usize::from(answer.status == 200 && has_records);
    }
}

/// What of two answers differs: all is compared but `Date` and `X-Request-Id`; cursors too, and
/// `Retry-After` and the time in `RateLimit` to the minute.
pub fn told_apart(one: &Answer, other: &Answer) -> Option<String> {
    if one.status != other.status {
        return Some(format!("status {} and {}", one.status, other.status));
    }
    let names = |answer: &Answer| -> Vec<String> {
        answer.fields.iter().map(|(name, _)| name.clone()).collect()
    };
    if names(one) != names(other) {
        return Some(format!("header fields {:?} and {:?}", names(one), names(other)));
    }
    for ((name, one), (_, other)) in one.fields.iter().zip(&other.fields) {
        let name = name.to_lowercase();
        let same = match name.as_str() {
            "date" | "x-request-id" => true,
            // The two were not asked in the same second. What is charged for one record is
            // more than two hours.
            "retry-after" => {
                let seconds = |text: &str| text.parse::<i64>().unwrap();
                (seconds(one) - seconds(other)).abs() <= 60
            }
            // What is left must be the same; when all of it is back, to the minute.
            "ratelimit" => {
                let parts = |text: &str| {
                    let (left, reset) = text.rsplit_once(";t=").unwrap();
                    (left.to_owned(), reset.parse::<i64>().unwrap())
                };
                let (one, other) = (parts(one), parts(other));
                one.0 == other.0 && (one.1 - other.1).abs() <= 60
            }
            _ => one == other,
        };
        if !same {
            return Some(format!("header field {name}: `{one}` and `{other}`"));
        }
    }
    if one.whole != other.whole {
        return Some("one body broke off".to_owned());
    }
    let (one, other) = (&one.body, &other.body);
    if one == other {
        return None;
    }
    let at = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let around = |body: &[u8]| {
        let (from, to) = (at.saturating_sub(160), (at + 240).min(body.len()));
        String::from_utf8_lossy(&body[from..to]).into_owned()
    };
    Some(format!("bodies, from byte {at}:\n    {}\n    {}", around(one), around(other)))
}

/// The pair and the sequence made as small as it goes while the worlds still differ.
pub async fn shrink(sides: &mut [Side; 2], pair: &Pair, steps: &[Step]) -> (Pair, Vec<Step>) {
    let (mut pair, mut steps) = (pair.clone(), steps.to_vec());
    let mut at = 0;
    while at < steps.len() {
        let mut fewer = steps.clone();
        fewer.remove(at);
        if play(sides, &pair, &fewer, None).await.1.is_some() {
            steps = fewer;
        } else {
            at += 1;
        }
    }
    let mut ids: Vec<String> =
        pair.worlds.iter().flat_map(|world| &world.items).map(|item| item.id.clone()).collect();
    ids.sort();
    ids.dedup();
    for id in ids {
        let mut fewer = pair.clone();
        fewer.worlds.iter_mut().for_each(|world| world.items.retain(|item| item.id != id));
        if play(sides, &fewer, &steps, None).await.1.is_some() {
            pair = fewer;
        }
    }
    (pair, steps)
}

/// What to look at, and how to see it again.
pub async fn tell(sides: &mut [Side; 2], seed: u64, first: &Difference, pages: bool) -> String {
    let pair = Pair::new(seed, pages);
    let steps = sequence(&pair, seed);
    let (pair, steps) = shrink(sides, &pair, &steps).await;
    let (_, difference) = play(sides, &pair, &steps, None).await;
    let mut text = format!(
        "first met at step {}: {}\nseed {seed}: {:?} of family {} (grant {}, restricted child {})\n",
        first.at + 1,
        first.what,
        pair.reader,
        pair.family.number,
        pair.family.grant,
        pair.family.restricted_kid
    );
    for step in &steps {
        text.push_str(&format!("  {step:?}\n"));
    }
    match difference {
        Some(Difference { at, what }) => {
            text.push_str(&format!("  at step {}: {what}\n", at + 1));
        }
        None => text.push_str("  it did not happen a second time\n"),
    }
    for (number, world) in pair.worlds.iter().enumerate() {
        text.push_str(&format!("  world {}: {:?}\n", number + 1, world.habits));
        for item in &world.items {
            text.push_str(&format!("    {:?} {:?} {}\n", item.who, item.content, item.body));
        }
    }
    text.push_str(&format!(
        "to see it again: WORLDS_SEED={seed} WORLDS_PAIRS=1 cargo test --test it worlds::two_worlds\n"
    ));
    text
}
