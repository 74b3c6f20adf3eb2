//! The files of one deployment: read at the start, looked at for every request, replaced only by
//! good ones (LAST-GOOD).

use super::age::States;
use super::grants::Grants;
use super::register::Register;
use super::restrictions::Restrictions;
use super::roster::Roster;
use crate::engine::diagnostics::{Diagnostic, Severity, SourceFile};
use crate::engine::facts::People;
use crate::reread::Stamp;
use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::civil::Date;
use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Longest file, bytes: ten million members at a hundred bytes a row.
const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// A file with a smaller share of the rows in force, in percent, is refused: it was cut off, or
/// comes from a query that failed.
const ROWS_PERCENT_MIN: usize = 90;

/// Where the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookPaths {
    /// `members.csv`.
    pub members: PathBuf,
    /// `grants.csv`; without it there are no grants.
    pub grants: Option<PathBuf>,
    /// `restrictions.csv`; without it there are no restrictions.
    pub restrictions: Option<PathBuf>,
}

/// Everybody, as the files say now.
pub struct Book {
    current: ArcSwap<Register>,
    watch: Watch,
    looks: Looks,
}

/// Looks at the files that have begun so far, and the last that has ended with what it found in
/// force.
#[derive(Default)]
struct Looks {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A moment: any look that begins later tells how the files were then, or are since.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    looks_begun: u64,
}

/// Gets the mistakes and warnings of a reading.
type Tell = dyn Fn(&[Diagnostic]) + Send + Sync;

/// The files behind a book.
struct Watch {
    files: Files,
    /// Held while files are read.
    reading: Mutex<()>,
    tell: Box<Tell>,
    /// Readings in which something was refused.
    refused: AtomicU64,
}

/// The files of a deployment.
struct Files {
    members: Watched,
    grants: Option<Watched>,
    restrictions: Option<Watched>,
}

/// One file, and what it looked like when it was last read, taken into force or refused.
struct Watched {
    path: PathBuf,
    /// `None`: it was not there.
    seen: ArcSwapOption<Stamp>,
    /// The same while it is being read: others see a change until what was read is in force.
    reading: ArcSwapOption<Stamp>,
}

impl Book {
    /// Reads the files for the first time. Every mistake of every file is given back; with any
    /// error there is no book. `tell` gets the warnings of this reading, and all that is wrong
    /// at later ones.
    pub fn load(
        paths: &BookPaths,
        tell: impl Fn(&[Diagnostic]) + Send + Sync + 'static,
    ) -> Result<Book, Vec<Diagnostic>> {
        let mut mistakes = Vec::new();
        let files = Files::new(paths);
        let Some(register) = files.read(&mut mistakes) else { return Err(mistakes) };
        if !mistakes.is_empty() {
            tell(&mistakes);
        }
        let watch = Watch {
            files,
            reading: Mutex::new(()),
            tell: Box::new(tell),
            refused: AtomicU64::new(0),
        };
        Ok(Book { current: ArcSwap::from_pointee(register), watch, looks: Looks::default() })
    }

    /// Now, for [`Book::view`].
    pub fn moment(&self) -> Moment {
        Moment { looks_begun: self.looks.begun.load(Ordering::SeqCst) }
    }

    /// One reader on one day, by the files as they were at a moment or later, and the ages of
    /// these states: what was replaced before it is in force. The reader may be unknown.
    ///
    /// It costs three look-ups of files, if nobody has looked since that moment; when one has
    /// changed, its reading too, during which all views wait. LAST-GOOD: what cannot be taken
    /// changes nothing and is told.
    pub fn view(
        &self,
        since: Moment,
        reader_name: &str,
        today: Date,
        states: &Arc<States>,
    ) -> Arc<dyn People> {
        if self.looks.ended.load(Ordering::SeqCst) <= since.looks_begun {
            let look = self.looks.begun.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
            self.refresh();
            self.looks.ended.fetch_max(look, Ordering::SeqCst);
        }
        self.current.load_full().view(reader_name, today, states)
    }

    /// How many readings were refused so far, whole or in part.
    pub fn refused(&self) -> u64 {
        self.watch.refused.load(Ordering::Relaxed)
    }

    fn refresh(&self) {
        let Watch { files, reading, tell, refused } = &self.watch;
        if !files.iter().any(Watched::has_changed) {
            return;
        }
        let _reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.current.load_full();
        let mut mistakes = Vec::new();
        let members = newer(Some(&files.members), &old.roster, &mut mistakes);
        let grants = newer(files.grants.as_ref(), &old.grants, &mut mistakes);
        let restrictions = newer(files.restrictions.as_ref(), &old.restrictions, &mut mistakes);
        if members.is_some() || grants.is_some() || restrictions.is_some() {
            let register = Register::join(
                members.unwrap_or_else(|| Arc::clone(&old.roster)),
                grants.unwrap_or_else(|| Arc::clone(&old.grants)),
                restrictions.unwrap_or_else(|| Arc::clone(&old.restrictions)),
                &mut mistakes,
            );
            self.current.store(Arc::new(register));
        }
        files.iter().for_each(Watched::has_been_read);
        if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
            refused.fetch_add(1, Ordering::Relaxed);
        }
        if !mistakes.is_empty() {
            tell(&mistakes);
        }
    }
}

impl Register {
    /// Reads the files once, for a command that judges one body. Every mistake of every file is
    /// pushed to `mistakes`; any error and there is no register.
    pub fn load(paths: &BookPaths, mistakes: &mut Vec<Diagnostic>) -> Option<Register> {
        Files::new(paths).read(mistakes)
    }
}

/// Shows nobody: Debug output ends in logs.
impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book").finish_non_exhaustive()
    }
}

/// What a file is read as; the default is what there is without one.
trait FromRows: Default {
    fn read(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Self>;
    fn row_count(&self) -> usize;
}

impl FromRows for Roster {
    fn read(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Roster> {
        Roster::read(file, mistakes)
    }

    fn row_count(&self) -> usize {
        self.row_count
    }
}

impl FromRows for Grants {
    fn read(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Grants> {
        Grants::read(file, mistakes)
    }

    fn row_count(&self) -> usize {
        self.row_count
    }
}

impl FromRows for Restrictions {
    fn read(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Restrictions> {
        Restrictions::read(file, mistakes)
    }

    fn row_count(&self) -> usize {
        self.row_count
    }
}

/// What a file says; nothing is wrong with a deployment that has none.
fn first<T: FromRows>(watched: Option<&Watched>, mistakes: &mut Vec<Diagnostic>) -> Option<Arc<T>> {
    let Some(watched) = watched else { return Some(Arc::default()) };
    let file = watched.read(mistakes)?;
    T::read(&file, mistakes).map(Arc::new)
}

/// What a file says now, if it has changed and can be taken.
fn newer<T: FromRows>(
    watched: Option<&Watched>,
    in_force: &Arc<T>,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Arc<T>> {
    let watched = watched.filter(|watched| watched.has_changed())?;
    let file = watched.read(mistakes)?;
    let read = T::read(&file, mistakes)?;
    let (now, before) = (read.row_count(), in_force.row_count());
    if now.saturating_mul(100) < before.saturating_mul(ROWS_PERCENT_MIN) {
        let message = format!("{now} rows where {before} are in force: over 10 % fewer");
        let help = "the file in force stays; if the new one is right, restart to take it";
        mistakes.push(watched.mistake(message).help(help));
        return None;
    }
    Some(Arc::new(read))
}

impl Files {
    fn new(paths: &BookPaths) -> Files {
        Files {
            members: Watched::new(&paths.members),
            grants: paths.grants.as_deref().map(Watched::new),
            restrictions: paths.restrictions.as_deref().map(Watched::new),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Watched> {
        [&self.members].into_iter().chain(&self.grants).chain(&self.restrictions)
    }

    /// All of them, for the first time: each is read, whatever is wrong with the others.
    fn read(&self, mistakes: &mut Vec<Diagnostic>) -> Option<Register> {
        let roster = first(Some(&self.members), mistakes);
        let grants = first(self.grants.as_ref(), mistakes);
        let restrictions = first(self.restrictions.as_ref(), mistakes);
        self.iter().for_each(Watched::has_been_read);
        Some(Register::join(roster?, grants?, restrictions?, mistakes))
    }
}

impl Watched {
    fn new(path: &Path) -> Watched {
        let (seen, reading) = (ArcSwapOption::empty(), ArcSwapOption::empty());
        Watched { path: path.to_owned(), seen, reading }
    }

    fn has_changed(&self) -> bool {
        let now = Stamp::at(&self.path);
        now != self.seen.load().as_deref().copied()
    }

    /// What was read is in force, or refused and told once.
    fn has_been_read(&self) {
        self.seen.store(self.reading.load_full());
    }

    /// Its text.
    fn read(&self, mistakes: &mut Vec<Diagnostic>) -> Option<SourceFile> {
        self.reading.store(Stamp::at(&self.path).map(Arc::new));
        let text = self.text().map_err(|why| {
            let message = format!("the file cannot be read: {why}");
            mistakes.push(self.mistake(message).help("check that it is there and may be read"));
        });
        text.ok().map(|text| SourceFile::new(self.path.display().to_string(), text))
    }

    /// A mistake of the file as a whole.
    fn mistake(&self, message: String) -> Diagnostic {
        Diagnostic::of_file(&self.path.display().to_string(), message)
    }

    fn text(&self) -> Result<String, String> {
        let system = |error: std::io::Error| error.kind().to_string();
        // Asked before it is opened: opening a pipe would wait for its writer.
        if !fs::metadata(&self.path).map_err(system)?.is_file() {
            return Err("it is no regular file".to_owned());
        }
        let file = File::open(&self.path).map_err(system)?;
        // What is read is what was opened, even if the name means another file by now.
        let opened = Stamp::of(&file.metadata().map_err(system)?);
        self.reading.store(Some(Arc::new(opened)));
        if opened.length > FILE_BYTES_MAX {
            return Err("it is longer than 1 GiB".to_owned());
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(system)?;
        String::from_utf8(bytes)
            .map_err(|error| format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    }
}
