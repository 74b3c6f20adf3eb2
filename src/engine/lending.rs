//! Things that are dear to make and are lent from body to body: lists that keep their room, and
//! what was learnt. Nothing that is decided rests on them; they only save work.

#[cfg(test)]
mod tests;

use std::fmt::{self, Debug, Formatter};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Some of one thing, for whoever works at the moment.
pub(crate) struct Lending<T> {
    waiting: Mutex<Waiting<T>>,
}

/// Those that nobody has at the moment.
struct Waiting<T> {
    things: Vec<T>,
    bytes: usize,
}

// BOUNDED: what is kept of one thing; the rest is let go. As many as there may be threads at work,
// and the lists of a few long bodies or of many short ones.
const THINGS_MAX: usize = 64;
const BYTES_MAX: usize = 64 << 20;

/// A thing that is lent.
pub(crate) trait Lendable: Default {
    /// The memory that it keeps, bytes; 0 if that is little, whatever it was used for.
    fn keeps(&self) -> usize {
        0
    }
}

impl<T: Lendable> Lending<T> {
    /// One that was used before, or a new one, until it is dropped.
    pub(crate) fn lend(&self) -> Lent<'_, T> {
        Lent { of: self, one: self.take() }
    }

    /// The same; one that is so, if there is one.
    pub(crate) fn lend_that(&self, is_so: impl Fn(&T) -> bool) -> Lent<'_, T> {
        Lent { of: self, one: self.take_that(is_so) }
    }

    /// The same for a longer time. Locked for a moment only.
    pub(crate) fn take(&self) -> T {
        self.take_that(|_| true)
    }

    fn take_that(&self, is_so: impl Fn(&T) -> bool) -> T {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let last = waiting.things.len().checked_sub(1);
        let Some(last) = last else { return T::default() };
        let at = waiting.things.iter().rposition(is_so).unwrap_or(last);
        let one = waiting.things.swap_remove(at);
        waiting.bytes = waiting.bytes.saturating_sub(one.keeps());
        one
    }

    /// For the next.
    pub(crate) fn give_back(&self, one: T) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = waiting.bytes.saturating_add(one.keeps());
        if waiting.things.len() < THINGS_MAX && bytes <= BYTES_MAX {
            waiting.bytes = bytes;
            waiting.things.push(one);
        }
    }
}

/// Something that is given back when it is dropped; not by who panics, for it may be half done.
pub(crate) struct Lent<'l, T: Lendable> {
    of: &'l Lending<T>,
    one: T,
}

impl<T: Lendable> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.one
    }
}

impl<T: Lendable> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.one
    }
}

impl<T: Lendable> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.of.give_back(std::mem::take(&mut self.one));
        }
    }
}

impl<T> Default for Lending<T> {
    fn default() -> Lending<T> {
        Lending { waiting: Mutex::new(Waiting { things: Vec::new(), bytes: 0 }) }
    }
}

impl<T> Debug for Lending<T> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("Lending")
    }
}
