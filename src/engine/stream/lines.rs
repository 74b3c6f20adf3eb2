//! Lines of a stream.

use super::within;
use crate::engine::released::Refusal;

/// Splits at LF only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    held: Vec<u8>,
    /// Bytes before `held`, for messages.
    before: u64,
}

impl Lines {
    /// Takes a chunk and hands every line that has ended to `judge`, with its offset.
    pub(crate) fn push(
        &mut self,
        chunk: &[u8],
        record_bytes_max: usize,
        mut judge: impl FnMut(u64, &[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            if self.held.is_empty() {
                within(line.len(), record_bytes_max)?;
                judge(self.before, line)?;
            } else {
                within(self.held.len().saturating_add(line.len()), record_bytes_max)?;
                self.held.extend_from_slice(line);
                judge(self.before, &self.held)?;
            }
            let taken = self.held.len().max(line.len()).saturating_add(1);
            self.before = self.before.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            self.held.clear();
            rest = after.get(1..).unwrap_or_default();
        }
        within(self.held.len().saturating_add(rest.len()), record_bytes_max)?;
        self.held.extend_from_slice(rest);
        Ok(())
    }

    /// The last line needs no LF.
    pub(crate) fn finish(
        &mut self,
        judge: impl FnOnce(u64, &[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.held.is_empty() { Ok(()) } else { judge(self.before, &self.held) }
    }
}
