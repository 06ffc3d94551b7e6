//! Characters that a terminal shows as they are.

/// Effect of a character on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// ASCII that is shown as it is.
    Visible,
    /// Any other character that is shown as it is.
    Wide,
    /// Joins two letters or pictures, or keeps them apart; cannot be seen itself.
    Joiner,
    /// Picks the look of the character before it; cannot be seen itself.
    Variation,
    /// Is an order to the terminal, cannot be seen, or turns the order of the text around it.
    Hidden,
}

pub(super) fn class(char: char) -> Class {
    match u32::from(char) {
        0x20..=0x7e => Class::Visible,
        0x200c | 0x200d => Class::Joiner,
        0xfe00..=0xfe0f | 0xe0100..=0xe01ef => Class::Variation,
        code if is_hidden(code) => Class::Hidden,
        _ => Class::Wide,
    }
}

/// Controls, format characters, and what Unicode says is to be ignored in display.
const fn is_hidden(code: u32) -> bool {
    matches!(
        code,
        // C0, DEL and C1.
        0x00..=0x1f | 0x7f..=0x9f
        // Soft hyphen, grapheme joiner, Arabic letter mark, Hangul and Khmer fillers, Mongolian selectors.
        | 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        // Zero-width space, direction marks; line and paragraph separator, embeddings and overrides.
        | 0x200b | 0x200e | 0x200f | 0x2028..=0x202e
        // Invisible operators, isolates and what else is reserved beside them.
        | 0x2060..=0x206f
        // Hangul fillers, byte order mark, annotations.
        | 0x3164 | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
        // Shorthand and musical controls, and the plane of tags, in which a whole text can be hidden.
        | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
    )
}
