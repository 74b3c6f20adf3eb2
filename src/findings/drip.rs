//! Slow drips: on which of the last thirty days a reader asked about somebody else. Kept over
//! restarts, since a month is longer than most processes live.

use super::windows::Full;
use crate::durable::replace_whole;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

/// Most pairs of reader and subject, about 200 bytes each.
pub(super) const PAIRS_MAX: usize = 1_000_000;

/// The days that are looked back.
const MONTH_DAYS: u64 = 30;

const DAY_S: u64 = 24 * 60 * 60;

/// By reader and subject.
#[derive(Debug, Default)]
pub(super) struct Drips {
    pairs: HashMap<(String, String), Days>,
    is_new: bool,
    /// The day on which old pairs were last forgotten.
    swept: u64,
}

/// The days of one pair, counted since 1970 in UTC.
#[derive(Clone, Copy, Debug, Default)]
struct Days {
    last: u64,
    /// Bit n: n days before the last.
    bits: u32,
    /// When it was raised.
    raised: Option<u64>,
}

/// A pair as it is kept.
#[derive(Serialize, Deserialize)]
struct Line {
    reader: String,
    subject: String,
    last: u64,
    bits: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raised: Option<u64>,
}

impl Drips {
    /// A reader asks about somebody else: on how many days, if they are so many and this was not
    /// raised within the month.
    pub(super) fn see(
        &mut self,
        reader: &str,
        subject: &str,
        at_s: u64,
        days_min: u32,
    ) -> Result<Option<u64>, Full> {
        let today = at_s.checked_div(DAY_S).unwrap_or_default();
        let key = (reader.to_owned(), subject.to_owned());
        // BOUNDED: [`PAIRS_MAX`].
        if self.pairs.len() >= PAIRS_MAX && !self.pairs.contains_key(&key) {
            self.sweep(today);
            if self.pairs.len() >= PAIRS_MAX {
                return Err(Full);
            }
        }
        let days = self.pairs.entry(key).or_insert(Days { last: today, bits: 0, raised: None });
        let since = u32::try_from(today.saturating_sub(days.last)).unwrap_or(u32::MAX);
        let month = (1u32 << MONTH_DAYS).wrapping_sub(1);
        let bits = (days.bits.checked_shl(since).unwrap_or_default() | 1) & month;
        self.is_new |= bits != days.bits || today != days.last;
        (days.bits, days.last) = (bits, today.max(days.last));
        let was_raised =
            days.raised.is_some_and(|raised| today.saturating_sub(raised) < MONTH_DAYS);
        if bits.count_ones() < days_min || was_raised {
            return Ok(None);
        }
        days.raised = Some(today);
        self.is_new = true;
        Ok(Some(u64::from(bits.count_ones())))
    }

    /// Forgets pairs that a month has gone over; at most once a day.
    fn sweep(&mut self, today: u64) {
        if self.swept != today {
            self.swept = today;
            self.pairs.retain(|_, days| today.saturating_sub(days.last) < MONTH_DAYS);
        }
    }

    /// Reads what was kept; nothing, if nothing was.
    pub(super) fn load(file: &Path) -> io::Result<Drips> {
        let mut drips = Drips::default();
        let lines = match File::open(file) {
            Ok(open) => BufReader::new(open).lines(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(drips),
            Err(error) => return Err(error),
        };
        for line in lines.take(PAIRS_MAX) {
            let Line { reader, subject, last, bits, raised } = serde_json::from_str(&line?)?;
            drips.pairs.insert((reader, subject), Days { last, bits, raised });
        }
        Ok(drips)
    }

    /// Replaces what was kept, whole or not at all.
    pub(super) fn save(&mut self, file: &Path) -> io::Result<()> {
        if !self.is_new {
            return Ok(());
        }
        replace_whole(file, |out| {
            for ((reader, subject), Days { last, bits, raised }) in by_key(&self.pairs) {
                let (reader, subject) = (reader.clone(), subject.clone());
                let line = Line { reader, subject, last: *last, bits: *bits, raised: *raised };
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })?;
        self.is_new = false;
        Ok(())
    }
}

/// In an order that does not change from time to time.
fn by_key(
    pairs: &HashMap<(String, String), Days>,
) -> impl Iterator<Item = (&(String, String), &Days)> {
    let mut sorted: Vec<(&(String, String), &Days)> = pairs.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    sorted.into_iter()
}
