//! The output of a command, in bounded memory.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::bounds;

/// Kept of the beginning, and as much of the end, in bytes.
const HALF: usize = 4 * 1024 * 1024;
/// Shown of the beginning while a command runs, and as much of the end, in bytes of JSON.
const GLIMPSE: usize = 128 * 1024;
/// Codex leaves nothing out of what is shorter, in bytes.
const CUT: usize = 1024 * 1024;

/// A text that grows at its end; when it is too long, its middle is left out.
#[derive(Debug, Default)]
pub(super) struct Output {
    head: String,
    tail: VecDeque<String>,
    tail_len: usize,
    omitted: usize,
}

impl Output {
    pub(super) fn push(&mut self, text: &str) {
        let room = if self.tail.is_empty() && self.omitted == 0 { HALF.saturating_sub(self.head.len()) } else { 0 };
        let (first, rest) = text.split_at(floor(text, room));
        self.head.push_str(first);
        if rest.is_empty() {
            return;
        }
        self.tail.push_back(rest.to_owned());
        self.tail_len += rest.len();
        while self.tail_len > HALF
            && let Some(oldest) = self.tail.pop_front()
        {
            let cut = ceil(&oldest, (self.tail_len - HALF).min(oldest.len()));
            self.omitted += cut;
            self.tail_len -= cut;
            if cut < oldest.len() {
                self.tail.push_front(oldest[cut..].to_owned());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// The rest of `text` after this output; `None` if this is not whole or `text` does not begin with it.
    pub(super) fn rest_of<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.omitted > 0 {
            return None;
        }
        let rest = text.strip_prefix(self.head.as_str())?;
        self.tail.iter().try_fold(rest, |rest, part| rest.strip_prefix(part.as_str()))
    }

    /// The part of a beginning that is missing here, before the part that is here already.
    pub(super) fn lacks<'t>(&self, beginning: &'t str) -> &'t str {
        let here = |at: &usize| beginning.get(*at..).is_some_and(|rest| self.head.starts_with(rest));
        &beginning[..(0..beginning.len()).find(here).unwrap_or(beginning.len())]
    }

    /// Puts something before all that is here.
    pub(super) fn prepend(&mut self, text: &str) {
        let mut whole = Self::default();
        whole.push(text);
        whole.push(&self.head);
        self.tail.iter().for_each(|part| whole.push(part));
        whole.omitted += self.omitted;
        *self = whole;
    }

    /// Length of all that was printed, in bytes.
    fn len(&self) -> usize {
        self.head.len() + self.omitted + self.tail_len
    }

    /// All that is kept.
    pub(super) fn whole(&self) -> String {
        let mut text = self.head.clone();
        if self.omitted > 0 {
            text.push_str(&left_out(self.omitted));
        }
        text.extend(self.tail.iter().map(String::as_str));
        text
    }

    /// The beginning and the end.
    pub(super) fn glimpse(&self) -> String {
        shortened(&self.whole(), 2 * GLIMPSE).0.into_owned()
    }
}

/// Shown of an output at most, in bytes of JSON.
pub(super) const SHOWN: usize = 8 * 1024 * 1024;

/// A text as it is shown, cut by its size as JSON, and how many bytes it lacks then.
pub(super) fn shortened(text: &str, most: usize) -> (Cow<'_, str>, usize) {
    match bounds::around(text, most) {
        Some((head, missing, tail)) => (format!("{head}{}{tail}", left_out(missing)).into(), missing),
        None => (text.into(), 0),
    }
}

/// A text of any length as it is kept.
pub(super) fn bounded(text: &str) -> String {
    shorten(text, HALF)
}

fn shorten(text: &str, half: usize) -> String {
    if text.len() <= 2 * half {
        return text.to_owned();
    }
    let (head, tail) = (floor(text, half), ceil(text, text.len() - half));
    format!("{}{}{}", &text[..head], left_out(tail - head), &text[tail..])
}

fn left_out(bytes: usize) -> String {
    format!("\n… {bytes} bytes left out …\n")
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// The whole output, from the output that came live and from Codex's copy at the end.
///
/// The beginning is often missing in the former. The latter lacks its middle when it is long.
pub(super) fn reconciled(streamed: &Output, aggregated: Option<&str>) -> String {
    let Some(aggregated) = aggregated.filter(|text| !text.is_empty()) else { return streamed.whole() };
    let Some((head, omitted, tail)) = cut(aggregated) else { return bounded(aggregated) };
    let whole = streamed.whole();
    // What is missing at the beginning follows from the lengths.
    let missing =
        (head.len() + omitted + tail.len()).checked_sub(streamed.len()).and_then(|at| head.split_at_checked(at));
    match missing {
        Some((missing, overlap)) if !whole.is_empty() && whole.starts_with(overlap) => {
            bounded(&format!("{missing}{whole}"))
        }
        _ => bounded(aggregated),
    }
}

/// Number of bytes that a text of an output lacks, because Codex or this adapter has left them out.
pub(super) fn missing(text: &str) -> usize {
    let count = |before: &str, after: &str| {
        let (_, rest) = text.split_once(before)?;
        rest.split_once(after)?.0.parse::<usize>().ok()
    };
    if text.len() < CUT {
        return 0;
    }
    cut(text).map(|(_, omitted, _)| omitted).or_else(|| count("\n… ", " bytes left out …\n")).unwrap_or_default()
}

/// A text whose middle Codex has left out: what is before, how much is missing, what is after.
fn cut(aggregated: &str) -> Option<(&str, usize, &str)> {
    if aggregated.len() < CUT {
        return None;
    }
    let (before, tail) = aggregated.split_once(" bytes omitted ...\n")?;
    let (head, omitted) = before.rsplit_once("\n... ")?;
    Some((head, omitted.parse().ok()?, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streamed(parts: &[&str]) -> Output {
        let mut output = Output::default();
        parts.iter().for_each(|part| output.push(part));
        output
    }

    #[test]
    fn what_came_first_is_put_back() {
        assert_eq!(
            reconciled(&streamed(&["line2\n", "line3\n"]), Some("line1\nline2\nline3\n")),
            "line1\nline2\nline3\n"
        );
        assert_eq!(reconciled(&streamed(&["a"]), None), "a");
        assert_eq!(reconciled(&streamed(&[]), Some("quick\n")), "quick\n");
    }

    #[test]
    fn what_was_cut_out_is_put_back() {
        // The same line again and again is where guessing goes wrong.
        for lines in [(0..300_000).map(|line| format!("{line}\n")).collect::<String>(), "same\n".repeat(400_000)] {
            let (head, tail) = (512 * 1024, lines.len() - 512 * 1024);
            let cut = format!("{}\n... {} bytes omitted ...\n{}", &lines[..head], tail - head, &lines[tail..]);
            let output = streamed(&[&lines[1000..900_000], &lines[900_000..]]);
            assert!(reconciled(&output, Some(&cut)) == lines, "the whole output");
            assert_eq!(reconciled(&streamed(&[]), Some(&cut)), cut);
        }
    }

    #[test]
    fn too_much_loses_its_middle() {
        let mut output = Output::default();
        for part in 0..1200 {
            output.push(&format!("{part:08}").repeat(1024));
        }
        let whole = output.whole();
        assert!(whole.len() < 2 * HALF + 64, "{}", whole.len());
        assert!(whole.starts_with("00000000") && whole.ends_with("00001199"), "both ends");
        assert!(whole.contains("… 1441792 bytes left out …"), "what is missing");
        assert!(output.glimpse().len() < 2 * GLIMPSE + 64);
    }

    #[test]
    fn characters_stay_whole() {
        let mut output = Output::default();
        for _ in 0..3 {
            output.push(&"é".repeat(HALF / 2 + 1));
            output.push("x");
        }
        let _ = (output.whole(), output.glimpse());
    }

    #[test]
    fn what_is_missing_at_the_beginning_is_put_there() {
        for (here, beginning, missing) in [
            ("line2\nline3\n", "line1\nline2\n", "line1\n"),
            ("line2\n", "line1\n", "line1\n"),
            ("", "line1\n", "line1\n"),
            ("line1\nline2\n", "line1\n", ""),
            ("é", "aé", "a"),
        ] {
            let mut output = streamed(&[here]);
            let lacks = output.lacks(beginning).to_owned();
            assert_eq!(lacks, missing);
            output.prepend(&lacks);
            assert_eq!(output.whole(), format!("{missing}{here}"));
        }
    }

    #[test]
    fn the_rest_is_what_was_not_streamed() {
        assert_eq!(streamed(&["a", "b"]).rest_of("abc"), Some("c"));
        assert_eq!(streamed(&["b"]).rest_of("abc"), None);
        assert_eq!(streamed(&[]).rest_of("abc"), Some("abc"));
    }
}
