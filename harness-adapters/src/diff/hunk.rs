//! The hunks of a unified diff of one file.

/// A hunk; lines with their ends.
#[derive(Debug, Default)]
pub(super) struct Hunk<'t> {
    pub(super) old_start: usize,
    pub(super) new_start: usize,
    pub(super) old: Vec<&'t str>,
    pub(super) new: Vec<&'t str>,
}

#[derive(Clone, Copy)]
enum Side {
    Old,
    New,
    Both,
}

/// Reads them; what stands before the first is skipped. `None` if one is broken.
pub(super) fn parse(text: &str) -> Option<Vec<Hunk<'_>>> {
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    let mut left = (0, 0);
    let mut last = Side::Both;
    for line in text.split_inclusive('\n') {
        if left == (0, 0)
            && let Some(header) = line.strip_prefix("@@ ")
        {
            let (hunk, counts) = head(header)?;
            hunks.push(hunk);
            left = counts;
            continue;
        }
        let Some(hunk) = hunks.last_mut() else { continue };
        if line.starts_with('\\') {
            bare(hunk, last);
            continue;
        }
        if left == (0, 0) {
            continue;
        }
        let (side, content) = match line.as_bytes().first() {
            Some(b'-') => (Side::Old, &line[1..]),
            Some(b'+') => (Side::New, &line[1..]),
            Some(b' ') => (Side::Both, &line[1..]),
            // Some tools drop the blank of an empty line.
            Some(b'\n' | b'\r') => (Side::Both, line),
            _ => return None,
        };
        if !matches!(side, Side::New) {
            left.0 = usize::checked_sub(left.0, 1)?;
            hunk.old.push(content);
        }
        if !matches!(side, Side::Old) {
            left.1 = usize::checked_sub(left.1, 1)?;
            hunk.new.push(content);
        }
        last = side;
    }
    (left == (0, 0)).then_some(hunks)
}

/// `-1,3 +1,4 @@ …`
fn head<'t>(header: &str) -> Option<(Hunk<'t>, (usize, usize))> {
    let (ranges, _) = header.split_once("@@")?;
    let (old, new) = ranges.trim().split_once(' ')?;
    let range = |text: &str| -> Option<(usize, usize)> {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let (old_start, old_count) = range(old.strip_prefix('-')?)?;
    let (new_start, new_count) = range(new.trim().strip_prefix('+')?)?;
    Some((Hunk { old_start, new_start, ..Hunk::default() }, (old_count, new_count)))
}

/// "No newline at end of file", about the line before.
fn bare(hunk: &mut Hunk<'_>, side: Side) {
    let cut = |lines: &mut Vec<&str>| {
        if let Some(line) = lines.last_mut() {
            *line = line.strip_suffix('\n').unwrap_or(line);
        }
    };
    if !matches!(side, Side::New) {
        cut(&mut hunk.old);
    }
    if !matches!(side, Side::Old) {
        cut(&mut hunk.new);
    }
}
