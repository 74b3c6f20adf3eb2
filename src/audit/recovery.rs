//! How a log stands when a process begins to write it: where its chain ends, and what stands
//! behind the end that is no line.
//!
//! A kill or a power cut may leave a torn group at the end. Nobody was answered for it, for an
//! answer leaves when its group is on disk; all the same it is kept in a file of its own and
//! recorded. What is broken before the last head that was kept is no accident of that kind: the
//! log is not written on.

use super::chain::{Chain, Head, Line, Lines};
use super::head_file::HeadFile;
use super::mark::{Event, Found, Mark, Torn};
use super::segments::{Names, seal_of};
use jiff::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The state of a log.
#[derive(Debug)]
pub(super) struct State {
    pub(super) head: Head,
    /// The number of the segment that is written, from 1.
    pub(super) segment: u64,
    /// Bytes of the open file that stay.
    pub(super) good_bytes: u64,
    /// When the segment began, if it has.
    pub(super) began: Option<Timestamp>,
    /// Whether the open file ends with its seal, and wants to be renamed.
    pub(super) is_sealed: bool,
    pub(super) found: Found,
    pub(super) torn: Option<Torn>,
}

/// Looks at a log that nobody writes. What is torn is kept aside; the log itself is not touched.
pub(super) fn look_at(names: &Names, head_file: &mut HeadFile) -> io::Result<State> {
    let kept = head_file.kept().unwrap_or(Head::START);
    let last_closed = names.list_closed()?.pop();
    let mut state = match &last_closed {
        None => State::at(Head::START, 1, Found::Nothing),
        Some((segment, path)) => {
            let seal = seal_of(path)?.ok_or_else(|| {
                refused(path, "does not end with its seal; see `sequester audit verify`")
            })?;
            State::at(seal, segment.saturating_add(1), Found::Killed)
        }
    };
    let bytes = match fs::metadata(&names.open) {
        Ok(about) if about.is_file() => about.len(),
        Ok(_) => return Err(refused(&names.open, "is not a file: a log must be read again")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    if bytes > 0 {
        read_open(names, &mut state)?;
    }
    if state.head.n < kept.n {
        let why = format!(
            "ends at line {}, but its head file says line {}: it was cut off or changed; put it \
             back, or move it and its head file away to go on without it",
            state.head.n, kept.n
        );
        return Err(refused(&names.open, &why));
    }
    keep_torn(names, &mut state, bytes)?;
    Ok(state)
}

impl State {
    fn at(head: Head, segment: u64, found: Found) -> State {
        State { head, segment, good_bytes: 0, began: None, is_sealed: false, found, torn: None }
    }
}

/// Follows the chain of the open file as far as it holds.
fn read_open(names: &Names, state: &mut State) -> io::Result<()> {
    let file = File::open(&names.open)?;
    let mut lines = Lines::of(BufReader::with_capacity(1 << 20, file));
    let mut chain: Option<Chain> = None;
    while let Some(text) = lines.next_line()? {
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let Some(line) = Line::read(text) else {
            if chain.is_none() && text.ends_with(b"\n") {
                let why = "is not a log of this kind; move it away, and a new one is begun";
                return Err(refused(&names.open, why));
            }
            break;
        };
        let mark = Mark::read(&line);
        if chain.is_none() {
            begin(names, state, &line, mark.as_ref())?;
        }
        let chain = chain.get_or_insert(Chain::after(state.head));
        if chain.follow(&line).is_err() {
            break;
        }
        state.head = chain.head();
        let event = mark.map(|mark| mark.event);
        state.is_sealed = event == Some(Event::Seal);
        let in_order = event == Some(Event::Stop);
        state.found = if in_order { Found::Stopped } else { Found::Killed };
        state.good_bytes = lines.offset.saturating_add(bytes);
    }
    Ok(())
}

/// The first line of the open file, which says where in the log it stands.
fn begin(names: &Names, state: &mut State, line: &Line<'_>, mark: Option<&Mark>) -> io::Result<()> {
    let begin = mark.filter(|mark| mark.event == Event::Begin);
    let after = begin.and_then(|mark| mark.after.as_deref());
    let after = after.and_then(|after| super::chain::Hash::from_hex(after.as_bytes()));
    let (Some(begin), Some(after), Some(n)) = (begin, after, line.n.checked_sub(1)) else {
        return Err(refused(&names.open, "does not begin as a segment does"));
    };
    let said = Head { n, hash: after };
    // Closed segments may have been moved to an archive; those that are here must fit.
    if state.head != Head::START && (state.segment, state.head) != (begin.segment, said) {
        let why = "does not follow the last closed segment; see `sequester audit verify`";
        return Err(refused(&names.open, why));
    }
    state.head = said;
    state.segment = begin.segment;
    state.began = begin.time.parse().ok();
    Ok(())
}

/// Copies what stands behind the last line to a file of its own, unless an earlier start has.
fn keep_torn(names: &Names, state: &mut State, bytes: u64) -> io::Result<()> {
    let path = names.torn(state.head.n.saturating_add(1));
    if bytes > state.good_bytes {
        let mut open = File::open(&names.open)?;
        open.seek(SeekFrom::Start(state.good_bytes))?;
        let mut aside = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        io::copy(&mut open, &mut aside)?;
        aside.flush()?;
        aside.sync_all()?;
        names.sync_folder()?;
    }
    // An earlier start may have kept it, and ended before it could record so.
    state.torn = told_of(&path)?;
    Ok(())
}

/// What is recorded of a file that holds what was torn; `None` if there is none.
pub(super) fn told_of(path: &Path) -> io::Result<Option<Torn>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut hashing = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let (mut bytes, mut part) = (0u64, vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut part)?;
        let Some(some) = part.get(..read).filter(|some| !some.is_empty()) else { break };
        hashing.update(some);
        bytes = bytes.saturating_add(read.try_into().unwrap_or(u64::MAX));
    }
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let sha256 = super::chain::to_hex(hashing.finish().as_ref());
    Ok(Some(Torn { file, bytes, sha256 }))
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::other(format!("{} {why}", path.display()))
}
