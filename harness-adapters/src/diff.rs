//! Unified diffs, applied and taken back.
//!
//! Harnesses tell of a change by its hunks, ACP wants the whole text before and after. With the hunks and either text the
//! other one follows; nothing is guessed: where a hunk does not fit exactly, there is no answer.

mod hunk;

use hunk::Hunk;

/// The text after the hunks were applied to `old`. `None` if they do not fit.
#[must_use]
pub fn apply(old: &str, hunks: &str) -> Option<String> {
    replace(old, &hunk::parse(hunks)?, |hunk| (hunk.old_start, &hunk.old, &hunk.new))
}

/// The text that became `new` when the hunks were applied. `None` if they do not fit.
#[must_use]
pub fn revert(new: &str, hunks: &str) -> Option<String> {
    replace(new, &hunk::parse(hunks)?, |hunk| (hunk.new_start, &hunk.new, &hunk.old))
}

/// Lines before and after a change, from the hunks alone. For a file that is not known.
#[must_use]
pub fn sides(hunks: &str) -> (String, String) {
    let hunks = hunk::parse(hunks).unwrap_or_default();
    let side = |lines: fn(&Hunk<'_>) -> String| hunks.iter().map(lines).collect::<String>();
    (side(|hunk| hunk.old.concat()), side(|hunk| hunk.new.concat()))
}

type Sides<'h, 't> = (usize, &'h Vec<&'t str>, &'h Vec<&'t str>);

fn replace<'t>(
    text: &str,
    hunks: &[Hunk<'t>],
    sides: impl for<'h> Fn(&'h Hunk<'t>) -> Sides<'h, 't>,
) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for hunk in hunks {
        let (start, from, to) = sides(hunk);
        // Lines count from 1; a side without lines names the line before it.
        let begin = if from.is_empty() { start } else { start.checked_sub(1)? };
        let end = begin.checked_add(from.len())?;
        if begin < at || lines.get(begin..end)? != from.as_slice() {
            return None;
        }
        result.extend(lines[at..begin].iter().chain(to).copied());
        at = end;
    }
    result.extend(lines[at..].iter().copied());
    Some(result)
}

#[cfg(test)]
mod tests;
