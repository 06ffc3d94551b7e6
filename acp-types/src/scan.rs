//! JSON text without a tree: one forward pass that finds where values begin and end.
//!
//! Two readings of the same grammar (RFC 8259). [`value`] checks bytes that nobody has looked at yet.
//! [`skip`] runs over text that was checked before and only has to find the end; given anything else it still
//! terminates inside the text, it just finds a meaningless end. Neither recurses nor allocates.

/// The deepest nesting that can be checked, whatever limit a caller asks for: the kinds of the open containers are
/// bits of one `u128`. serde_json stops at the same depth, so what passes here can also be decoded.
pub const MAX_DEPTH: usize = 128;

/// Text that is not exactly one JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A byte that the grammar does not allow there.
    #[error("not JSON: unexpected byte at offset {offset}")]
    Unexpected {
        /// Position in bytes from the start of the text.
        offset: usize,
    },
    /// The text ends in the middle of a value.
    #[error("not JSON: the text ends at offset {offset}, in the middle of a value")]
    End {
        /// Length of the text.
        offset: usize,
    },
    /// Arrays and objects are nested deeper than the limit.
    #[error("nested deeper than {limit} levels at offset {offset}: send a flatter value")]
    TooDeep {
        /// Position where the first level too many opens.
        offset: usize,
        /// The limit in force.
        limit: usize,
    },
    /// A second value, or garbage, after the first.
    #[error("more data after the end of the value, at offset {offset}")]
    Trailing {
        /// Position where the surplus begins.
        offset: usize,
    },
}

impl ScanError {
    /// Position in the text, in bytes.
    #[must_use]
    pub const fn offset(self) -> usize {
        match self {
            Self::Unexpected { offset }
            | Self::End { offset }
            | Self::TooDeep { offset, .. }
            | Self::Trailing { offset } => offset,
        }
    }
}

/// The error at `at`: the grammar needs more text, or another byte.
pub(crate) const fn unexpected(bytes: &[u8], at: usize) -> ScanError {
    if at >= bytes.len() { ScanError::End { offset: bytes.len() } } else { ScanError::Unexpected { offset: at } }
}

/// The first position from `at` on that is not insignificant whitespace.
#[inline]
pub(crate) fn space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Checks the value that begins at `start` and returns where it ends. The bytes must be UTF-8.
pub(crate) fn value(bytes: &[u8], start: usize, max_depth: usize) -> Result<usize, ScanError> {
    let limit = if max_depth < MAX_DEPTH { max_depth } else { MAX_DEPTH };
    // The innermost open container is the lowest bit: 1 for an object, 0 for an array.
    let mut kinds: u128 = 0;
    let mut depth = 0;
    let mut at = start;
    loop {
        at = match bytes.get(at) {
            Some(b'"') => string(bytes, at)?,
            Some(&open @ (b'{' | b'[')) => {
                if depth == limit {
                    return Err(ScanError::TooDeep { offset: at, limit });
                }
                let object = open == b'{';
                let inside = space(bytes, at + 1);
                let close = if object { b'}' } else { b']' };
                if bytes.get(inside) == Some(&close) {
                    inside + 1
                } else {
                    depth += 1;
                    kinds = kinds << 1 | u128::from(object);
                    at = if object { key(bytes, inside)? } else { inside };
                    continue;
                }
            }
            Some(b'-' | b'0'..=b'9') => number(bytes, at)?,
            Some(b't') => literal(bytes, at, b"true")?,
            Some(b'f') => literal(bytes, at, b"false")?,
            Some(b'n') => literal(bytes, at, b"null")?,
            _ => return Err(unexpected(bytes, at)),
        };
        loop {
            if depth == 0 {
                return Ok(at);
            }
            at = space(bytes, at);
            let object = kinds & 1 == 1;
            match bytes.get(at) {
                Some(b',') => {
                    at = space(bytes, at + 1);
                    if object {
                        at = key(bytes, at)?;
                    }
                    break;
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                _ => return Err(unexpected(bytes, at)),
            }
            at += 1;
            depth -= 1;
            kinds >>= 1;
        }
    }
}

/// Checks a key and its colon; returns where the member's value begins.
fn key(bytes: &[u8], at: usize) -> Result<usize, ScanError> {
    let at = space(bytes, string(bytes, at)?);
    if bytes.get(at) != Some(&b':') {
        return Err(unexpected(bytes, at));
    }
    Ok(space(bytes, at + 1))
}

/// Checks the string whose opening quote is expected at `at`; returns the position after the closing one.
pub(crate) fn string(bytes: &[u8], at: usize) -> Result<usize, ScanError> {
    if bytes.get(at) != Some(&b'"') {
        return Err(unexpected(bytes, at));
    }
    let mut at = at + 1;
    loop {
        at = special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(bytes, at + 1)?,
            _ => return Err(unexpected(bytes, at)),
        }
    }
}

/// Checks what follows a backslash.
fn escape(bytes: &[u8], at: usize) -> Result<usize, ScanError> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            for digit in at + 1..at + 5 {
                if !bytes.get(digit).is_some_and(u8::is_ascii_hexdigit) {
                    return Err(unexpected(bytes, digit));
                }
            }
            Ok(at + 5)
        }
        _ => Err(unexpected(bytes, at)),
    }
}

fn number(bytes: &[u8], mut at: usize) -> Result<usize, ScanError> {
    if bytes[at] == b'-' {
        at += 1;
    }
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        _ => digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Ok(at)
}

/// At least one digit.
fn digits(bytes: &[u8], start: usize) -> Result<usize, ScanError> {
    let mut at = start;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    if at == start { Err(unexpected(bytes, at)) } else { Ok(at) }
}

fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, ScanError> {
    for (i, letter) in word.iter().enumerate() {
        if bytes.get(at + i) != Some(letter) {
            return Err(unexpected(bytes, at + i));
        }
    }
    Ok(at + word.len())
}

/// The next quote, backslash or control byte from `at` on; the end of the text when there is none.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> usize {
    // Eight bytes at a time: in `hits` the top bit of the first special byte is set. A borrow can set bits wrongly,
    // but only above a true hit, and only the lowest one is looked at.
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const SLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ QUOTES;
        let slash = word ^ SLASHES;
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let hits = (quote.wrapping_sub(ONES) & !quote | slash.wrapping_sub(ONES) & !slash | control) & TOPS;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

/// The code unit that an escape `\\uXXXX` at `at` names.
pub(crate) fn utf16_escape(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..)?.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        // Below 16 by its base.
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

/// End of the value at `at`, in text that was checked before.
pub(crate) fn skip(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    loop {
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => at = skip_string(bytes, at),
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
                continue;
            }
            Some(b'}' | b']') => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            Some(_) if depth > 0 => {
                at += 1;
                continue;
            }
            Some(_) => {
                while bytes
                    .get(at)
                    .is_some_and(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'))
                {
                    at += 1;
                }
            }
        }
        if depth == 0 {
            return at;
        }
    }
}

/// End of the string at `at`, in text that was checked before.
pub(crate) fn skip_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        at = special(bytes, at);
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, ScanError, skip, special, value};

    fn check(text: &str) -> Result<usize, ScanError> {
        value(text.as_bytes(), 0, MAX_DEPTH)
    }

    #[test]
    fn every_kind_of_value_is_read_to_its_end() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "-12.5e+3",
            "1E9",
            "\"\"",
            "\"a\\u00e9\\n\\\"\"",
            "{}",
            "[]",
            "[ ]",
            "{ }",
            "[1,[2,{\"a\":[]}],null]",
            "{\"a\" : {\"b\":[true , false]} , \"c\":\"}\"}",
        ] {
            assert_eq!(check(text), Ok(text.len()), "{text}");
            assert_eq!(skip(text.as_bytes(), 0), text.len(), "{text}");
        }
    }

    #[test]
    fn what_the_grammar_does_not_allow_is_refused_with_its_place() {
        for (text, offset) in [
            ("", 0),
            ("01", 1),
            ("+1", 0),
            ("-", 1),
            ("1.", 2),
            (".5", 0),
            ("1e", 2),
            ("tru", 3),
            ("trues", 4),
            ("nul ", 3),
            ("\"", 1),
            ("\"\\x\"", 2),
            ("\"\\u12g4\"", 5),
            ("\"a\nb\"", 2),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("{1:2}", 1),
            ("{\"a\"}", 4),
            ("{\"a\":}", 5),
            ("{\"a\":1,}", 7),
            ("[}", 1),
            ("{\"a\":1]", 6),
            ("[", 1),
            ("{\"a\":[1", 7),
        ] {
            let found = match check(text) {
                Ok(end) => end,
                Err(error) => error.offset(),
            };
            assert_eq!(found, offset, "{text:?}");
        }
    }

    #[test]
    fn depth_is_counted_not_recursed() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(2 * MAX_DEPTH));
        let error = ScanError::TooDeep { offset: MAX_DEPTH, limit: MAX_DEPTH };
        assert_eq!(check(&nested(MAX_DEPTH + 1)), Err(error));
        assert_eq!(value(nested(1_000_000).as_bytes(), 0, usize::MAX), Err(error));
        assert_eq!(value(b"[]", 0, 0), Err(ScanError::TooDeep { offset: 0, limit: 0 }));
    }

    #[test]
    fn special_bytes_are_found_at_every_offset_among_all_others() {
        for len in 0..24 {
            for at in 0..len {
                for byte in 0..=255_u8 {
                    let mut bytes = vec![b'!'; len];
                    bytes[at] = byte;
                    // A second hit after the first must not change the answer.
                    bytes.push(b'"');
                    let wanted = if byte < 0x20 || byte == b'"' || byte == b'\\' { at } else { len };
                    assert_eq!(special(&bytes, 0), wanted, "{byte} at {at} of {len}");
                }
            }
        }
    }
}
