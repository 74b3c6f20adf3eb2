//! Things that are dear to make and are lent from body to body: lists that keep their room, and
//! what was learnt. Nothing that is decided rests on them; they only save work.

use std::fmt::{self, Debug, Formatter};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Some of one thing, for whoever works at the moment.
pub(crate) struct Lending<T> {
    waiting: Mutex<Vec<T>>,
}

/// Kept at most: as many as there may be threads at work. BOUNDED: the rest is let go.
const WAITING_MAX: usize = 64;

impl<T: Default> Lending<T> {
    /// One that was used before, or a new one, until it is dropped.
    pub(crate) fn lend(&self) -> Lent<'_, T> {
        Lent { of: self, one: self.take() }
    }

    /// The same for a longer time. Locked for a moment only.
    pub(crate) fn take(&self) -> T {
        let one = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        one.unwrap_or_default()
    }

    /// For the next.
    pub(crate) fn give_back(&self, one: T) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX {
            waiting.push(one);
        }
    }
}

/// Something that is given back when it is dropped.
pub(crate) struct Lent<'l, T: Default> {
    of: &'l Lending<T>,
    one: T,
}

impl<T: Default> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.one
    }
}

impl<T: Default> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.one
    }
}

impl<T: Default> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        self.of.give_back(std::mem::take(&mut self.one));
    }
}

impl<T> Default for Lending<T> {
    fn default() -> Lending<T> {
        Lending { waiting: Mutex::new(Vec::new()) }
    }
}

impl<T> Debug for Lending<T> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("Lending")
    }
}
