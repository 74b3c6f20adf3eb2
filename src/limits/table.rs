//! What has been used up by whom: rows by key, one table for each scope, in stripes with a lock
//! each.
//!
//! A charge is one decision: every row that it concerns is locked, in one order, every rate of
//! every row is asked, and only if all say yes is anything taken. So nothing is charged half, a
//! refusal uses nothing up, and no two at once can both take the last.
//!
//! BOUNDED: `keys` rows in each scope, and four times as many subjects remembered. Rows that are as good as
//! new are forgotten. Who finds no room shares a row with others that found none: `SHARED_ROWS`
//! in each stripe, by a keyed hash. They have less then, never more; and who fills a table locks
//! out nobody who is in it, cannot choose with whom he shares, and cannot fill that of another
//! scope: only who is known gets a row as a reader.

use super::bucket::TimeUs;
use super::charge::{Left, Limit, Line, OverLimit, Taking};
use super::keys::{ByKey, Key};
use super::row::{Columns, Row};
use crate::config::meant::{Scope, ScopedRate};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks of one scope: a few more than there are cores.
const STRIPES: usize = 64;

/// Rows of a stripe for those who found no room, beyond its own.
const SHARED_ROWS: u128 = 64;

/// Subjects that a stripe may remember, however few its rows.
const SUBJECTS_MIN: usize = 1024;

/// How often a full stripe is searched for rows that can be forgotten, microseconds.
const SEARCH_EVERY_US: u64 = 1_000_000;

/// All tables.
#[derive(Debug)]
pub(super) struct Tables(Vec<Table>);

/// The rows of one scope.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) scope: Scope,
    pub(super) columns: Columns,
    stripes: Box<[Mutex<Stripe>]>,
    stripe_rows_max: usize,
    stripe_subjects_max: usize,
}

#[derive(Debug, Default)]
struct Stripe {
    rows: HashMap<Key, Row, ByKey>,
    /// Subjects remembered in all of them.
    subjects: usize,
    searched_at: TimeUs,
}

/// A stripe under lock.
struct Held<'a> {
    at: usize,
    table: &'a Table,
    stripe: MutexGuard<'a, Stripe>,
}

impl Tables {
    /// For these rates; a scope without one has no table. `keys`: most rows of each.
    pub(super) fn new(rates: &[ScopedRate], keys: usize) -> Tables {
        let tables = Scope::ALL.into_iter().map(|scope| Table {
            scope,
            columns: Columns::of(scope, rates),
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            stripe_rows_max: keys.div_ceil(STRIPES),
            stripe_subjects_max: keys.div_ceil(STRIPES).saturating_mul(4).max(SUBJECTS_MIN),
        });
        Tables(tables.filter(|table| !table.columns.is_empty()).collect())
    }

    /// The table of a scope, if it has a rate.
    pub(super) fn of(&self, scope: Scope) -> Option<&Table> {
        self.0.iter().find(|table| table.scope == scope)
    }

    pub(super) fn all(&self) -> &[Table] {
        &self.0
    }

    /// Decides on a charge, and takes it if all of it is there. What is then left to the reader.
    pub(super) fn charge(
        &self,
        lines: &[Line],
        now: TimeUs,
        taking: Taking,
    ) -> Result<Option<Left>, OverLimit> {
        let mut held = self.lock(lines);
        let mut refusals = Vec::new();
        for line in lines {
            let Some(Held { table, stripe, .. }) = at(&mut held, line) else { continue };
            let room = table.stripe_subjects_max.saturating_sub(stripe.subjects);
            let row = stripe.row(line.key, table, now);
            refusals.extend(table.columns.refuses(row, line, now, taking, room));
        }
        if let Some((wait, rate)) = refusals.into_iter().max_by_key(|(wait, _)| *wait) {
            let limit = Limit::Rate(rate.dimension, rate.rate);
            let retry_after_s = wait.0.div_ceil(1_000_000).max(1);
            return Err(OverLimit { scope: rate.scope, limit, retry_after_s });
        }
        let mut left = None;
        for line in lines {
            let Some(Held { table, stripe, .. }) = at(&mut held, line) else { continue };
            let room = table.stripe_subjects_max.saturating_sub(stripe.subjects);
            let row = stripe.row(line.key, table, now);
            let known = row.subjects();
            match taking {
                Taking::Look => {}
                Taking::Anyway => table.columns.take(row, line, now, 1, room),
                Taking::IfThere { share } => table.columns.take(row, line, now, share, room),
            }
            if line.scope == Scope::Reader {
                left = table.columns.least_left(row, now);
            }
            let more = row.subjects().saturating_sub(known);
            stripe.subjects = stripe.subjects.saturating_add(more);
        }
        Ok(left)
    }

    /// Forgets what is as good as new.
    pub(super) fn forget(&self, now: TimeUs) {
        for table in &self.0 {
            for stripe in &table.stripes {
                lock(stripe).forget(&table.columns, now);
            }
        }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        let stripes = self.0.iter().flat_map(|table| &table.stripes);
        stripes.map(|stripe| lock(stripe).rows.len()).sum()
    }

    /// Locks what a charge concerns, always in the same order: no two wait for each other.
    fn lock(&self, lines: &[Line]) -> Vec<Held<'_>> {
        let mut needed: Vec<(Scope, usize)> =
            lines.iter().map(|line| (line.scope, stripe_of(line.key))).collect();
        needed.sort_unstable();
        needed.dedup();
        let held = needed.into_iter().filter_map(|(scope, at)| {
            let table = self.of(scope)?;
            Some(Held { at, table, stripe: lock(table.stripes.get(at)?) })
        });
        held.collect()
    }
}

impl Table {
    /// What is made of every row, a stripe at a time: none is locked while another is used.
    pub(super) fn by_stripe<T>(
        &self,
        make: impl Fn(Key, &Row) -> Option<T>,
    ) -> impl Iterator<Item = Vec<T>> {
        self.stripes.iter().map(move |stripe| {
            lock(stripe).rows.iter().filter_map(|(key, row)| make(*key, row)).collect()
        })
    }

    /// Puts a row back, if there is room.
    pub(super) fn restore(&self, key: Key, row: Row) {
        let Some(stripe) = self.stripes.get(stripe_of(key)) else { return };
        let mut stripe = lock(stripe);
        if stripe.rows.len() < self.stripe_rows_max {
            stripe.subjects = stripe.subjects.saturating_add(row.subjects());
            stripe.rows.insert(key, row);
        }
    }
}

impl Stripe {
    /// The row of a key; a new one if there is room, a shared one if there is none.
    fn row(&mut self, key: Key, table: &Table, now: TimeUs) -> &mut Row {
        let mut key = key;
        if !self.rows.contains_key(&key) && self.rows.len() >= table.stripe_rows_max {
            if self.searched_at.saturating_add(SEARCH_EVERY_US) <= now {
                self.searched_at = now;
                self.forget(&table.columns, now);
            }
            if self.rows.len() >= table.stripe_rows_max {
                key = Key(key.0.checked_rem(SHARED_ROWS).unwrap_or_default());
            }
        }
        self.rows.entry(key).or_insert_with(|| table.columns.new_row())
    }

    fn forget(&mut self, columns: &Columns, now: TimeUs) {
        self.rows.retain(|_, row| !columns.is_idle(row, now));
        self.subjects = self.rows.values().map(Row::subjects).sum();
        if self.rows.len() < self.rows.capacity() / 4 {
            self.rows.shrink_to_fit();
        }
    }
}

fn at<'h, 'a>(held: &'h mut [Held<'a>], line: &Line) -> Option<&'h mut Held<'a>> {
    let at = stripe_of(line.key);
    held.iter_mut().find(|held| held.table.scope == line.scope && held.at == at)
}

/// By bits that a shared row of the same stripe does not need.
fn stripe_of(key: Key) -> usize {
    let stripes = u128::try_from(STRIPES).unwrap_or(1);
    let stripe = (key.0 >> 64).checked_rem(stripes).unwrap_or_default();
    usize::try_from(stripe).unwrap_or_default()
}

/// A panic under lock cannot leave a row half written: what is written is single numbers.
fn lock(stripe: &Mutex<Stripe>) -> MutexGuard<'_, Stripe> {
    stripe.lock().unwrap_or_else(PoisonError::into_inner)
}
