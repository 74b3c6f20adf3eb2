//! What texts said before: codes and labels come again and again, in one body and from body to
//! body, and mean the same as long as the policy set does.

use super::codes::{Hits, Judgement};
use super::document::read::Document;
use super::document::tape::NodeId;
use super::lending::Lendable;

/// What was made of one code.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    /// None of a code that is no string.
    pub(crate) judged: Option<Judgement>,
    /// Whether its system is one that nobody knows.
    pub(crate) unknown_system: bool,
    /// Whether what is judged by words has a display of its own that says something.
    pub(crate) explained: bool,
}

/// All that was told, of one shape in one policy set.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Objects that are codes.
    pub(crate) codes: Texts<Said>,
    /// Strings that are labels.
    pub(crate) words: Texts<Hits>,
}

impl Lendable for Told {}

/// What some texts said: as many as there are places, later ones in the place of earlier.
#[derive(Debug, Default)]
pub(crate) struct Texts<T>(Vec<Text<T>>);

#[derive(Clone, Debug)]
struct Text<T> {
    bytes: Vec<u8>,
    /// Rows of code lists have dates: see `CodeBook::era`.
    era: Option<usize>,
    said: Option<T>,
}

/// BOUNDED: how many texts are kept; a power of two.
const PLACES: usize = 1_024;
/// BOUNDED: a longer text is asked each time, bytes.
const TEXT_BYTES_MAX: usize = 256;

impl<T: Copy> Texts<T> {
    /// What the value at that node, as written, said before in that era, or what `ask` says.
    #[inline]
    pub(crate) fn of(
        &mut self,
        doc: Document<'_>,
        node: NodeId,
        era: Option<usize>,
        ask: impl FnOnce() -> T,
    ) -> T {
        let bytes = doc.bytes(node);
        if self.0.is_empty() {
            self.0.resize_with(PLACES, || Text { bytes: Vec::new(), era: None, said: None });
        }
        let Some(text) = self.0.get_mut(place(bytes)) else { return ask() };
        match text.said {
            Some(said) if text.era == era && text.bytes == bytes => said,
            _ if bytes.len() > TEXT_BYTES_MAX => ask(),
            _ => {
                let said = ask();
                text.bytes.clear();
                text.bytes.extend_from_slice(bytes);
                (text.era, text.said) = (era, Some(said));
                said
            }
        }
    }
}

/// Where a text is kept: by its length and the bytes in its middle and at its end, where codes of
/// one system differ.
fn place(bytes: &[u8]) -> usize {
    let word = |at: usize| {
        let eight = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
        eight.map_or(0, |eight| u64::from_le_bytes(*eight))
    };
    let length = bytes.len();
    let middle = word(length / 2).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
    let mixed = middle ^ word(length.saturating_sub(10)) ^ u64::try_from(length).unwrap_or(0);
    let mixed = mixed.wrapping_mul(0xC2B2_AE3D_27D4_EB4F) >> (64 - PLACES.trailing_zeros());
    usize::try_from(mixed).unwrap_or(0)
}
