//! gzip from the upstream, with every byte accounted for.
//!
//! Ready-made decoders stop at the end of the first member and say nothing of what follows, so
//! the member is read by hand: header, deflate stream, checksum, length, and then nothing.

use bytes::{Buf, Bytes, BytesMut};
use flate2::{Crc, Decompress, FlushDecompress, Status};

/// How much is decoded at a time, so that a bomb is met in small steps.
const PIECE_BYTES: usize = 64 * 1024;

/// Longest gzip header (name, comment, extra field). Upstreams send ten bytes.
const HEADER_BYTES_MAX: usize = 4 * 1024;

/// From here on the ratio of decoded to encoded bytes is looked at: short bodies of blanks
/// compress well and harm nobody.
const RATIO_FROM_BYTES: u64 = 1024 * 1024;

/// Most decoded bytes for one encoded byte. Deflate can reach 1,032; records of a payer, with
/// all their repetition, stay below 100.
const RATIO_MAX: u64 = 200;

/// Why a gzip body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadGzip(pub(super) &'static str);

/// A gzip body on its way.
#[derive(Debug)]
pub(super) struct Gunzip {
    input: BytesMut,
    step: Step,
    inflate: Decompress,
    crc: Crc,
    encoded_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Header,
    Deflated,
    Trailer,
    Done,
}

impl Gunzip {
    pub(super) fn new() -> Gunzip {
        Gunzip {
            input: BytesMut::new(),
            step: Step::Header,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            encoded_bytes: 0,
        }
    }

    /// Takes the next bytes as they came. [`Gunzip::piece`] is to be called until it is empty.
    pub(super) fn feed(&mut self, encoded: &Bytes) {
        self.encoded_bytes =
            self.encoded_bytes.saturating_add(u64::try_from(encoded.len()).unwrap_or(u64::MAX));
        self.input.extend_from_slice(encoded);
    }

    /// The next decoded bytes, at most [`PIECE_BYTES`]; `None` when more input is needed.
    pub(super) fn piece(&mut self) -> Result<Option<Bytes>, BadGzip> {
        loop {
            match self.step {
                Step::Header => match header_length(&self.input)? {
                    Some(length) => {
                        self.input.advance(length);
                        self.step = Step::Deflated;
                    }
                    None => return Ok(None),
                },
                Step::Deflated => match self.inflate_piece()? {
                    Some(piece) if piece.is_empty() => {}
                    piece => return Ok(piece),
                },
                Step::Trailer => {
                    let Some((trailer, _)) = self.input.split_first_chunk::<8>() else {
                        return Ok(None);
                    };
                    self.check_trailer(*trailer)?;
                    self.input.advance(8);
                    self.step = Step::Done;
                }
                Step::Done if self.input.is_empty() => return Ok(None),
                Step::Done => return Err(BadGzip("bytes after the end of the gzip member")),
            }
        }
    }

    /// The body has ended.
    pub(super) fn finish(&self) -> Result<(), BadGzip> {
        if self.step == Step::Done && self.input.is_empty() {
            Ok(())
        } else {
            Err(BadGzip("truncated gzip body"))
        }
    }

    /// Decodes one piece. An empty piece: look again; `None`: more input is needed.
    fn inflate_piece(&mut self) -> Result<Option<Bytes>, BadGzip> {
        let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let status = self
            .inflate
            .decompress_vec(&self.input, &mut piece, FlushDecompress::None)
            .map_err(|_| BadGzip("bad deflate stream"))?;
        let read = self.inflate.total_in().saturating_sub(in_before);
        self.input.advance(usize::try_from(read).unwrap_or(usize::MAX).min(self.input.len()));
        self.crc.update(&piece);
        let decoded = self.inflate.total_out();
        if decoded > RATIO_FROM_BYTES && decoded / RATIO_MAX > self.encoded_bytes {
            return Err(BadGzip("gzip body decodes to too many times its size"));
        }
        if status == Status::StreamEnd {
            self.step = Step::Trailer;
            return Ok(Some(piece.into()));
        }
        if read == 0 && decoded == out_before {
            return Ok(None);
        }
        Ok(Some(piece.into()))
    }

    fn check_trailer(&self, trailer: [u8; 8]) -> Result<(), BadGzip> {
        // Checksum below, length (modulo 2^32) above.
        let stated = u64::from_le_bytes(trailer);
        let counted = u64::from(self.crc.amount()) << 32 | u64::from(self.crc.sum());
        if stated == counted {
            Ok(())
        } else {
            Err(BadGzip("gzip checksum or length does not match"))
        }
    }
}

/// RFC 1952, 2.3: how long the header is; `None` when it has not all come.
fn header_length(input: &[u8]) -> Result<Option<usize>, BadGzip> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const RESERVED: u8 = 0b1110_0000;

    let Some((fixed, mut rest)) = input.split_first_chunk::<10>() else {
        return Ok(None);
    };
    let [id1, id2, method, flags, ..] = *fixed;
    if (id1, id2, method) != (0x1f, 0x8b, 8) {
        return Err(BadGzip("not gzip"));
    }
    if flags & RESERVED != 0 {
        return Err(BadGzip("reserved gzip flags"));
    }
    if flags & EXTRA != 0 {
        let Some((length, after)) = rest.split_first_chunk::<2>() else {
            return waiting(input);
        };
        let Some(after) = after.get(usize::from(u16::from_le_bytes(*length))..) else {
            return waiting(input);
        };
        rest = after;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let Some(end) = rest.iter().position(|byte| *byte == 0) else {
                return waiting(input);
            };
            rest = rest.get(end.saturating_add(1)..).unwrap_or_default();
        }
    }
    let length = input.len().saturating_sub(rest.len());
    if flags & HEADER_CRC == 0 {
        return if length > HEADER_BYTES_MAX { too_long() } else { Ok(Some(length)) };
    }
    let Some((stated, _)) = rest.split_first_chunk::<2>() else {
        return waiting(input);
    };
    let mut crc = Crc::new();
    crc.update(input.get(..length).unwrap_or_default());
    let [low, high, ..] = crc.sum().to_le_bytes();
    if *stated != [low, high] {
        return Err(BadGzip("gzip header checksum does not match"));
    }
    Ok(Some(length.saturating_add(2)))
}

fn waiting(input: &[u8]) -> Result<Option<usize>, BadGzip> {
    if input.len() > HEADER_BYTES_MAX { too_long() } else { Ok(None) }
}

fn too_long() -> Result<Option<usize>, BadGzip> {
    Err(BadGzip("gzip header too long"))
}
