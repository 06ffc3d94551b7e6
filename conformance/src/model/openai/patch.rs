//! Texts for the `apply_patch` tool.

/// A file that comes into being, with what it holds. The tool ends every file with a line break.
pub(super) fn add(path: &str, text: &str) -> String {
    envelope(&format!("*** Add File: {path}\n{}", prefixed('+', text)))
}

pub(super) fn delete(path: &str) -> String {
    envelope(&format!("*** Delete File: {path}\n"))
}

/// Lines that change, and perhaps a new name for the file.
pub(super) fn update(path: &str, to: Option<&str>, old: &str, new: &str) -> String {
    let moved = to.map_or_else(String::new, |to| format!("*** Move to: {to}\n"));
    envelope(&format!("*** Update File: {path}\n{moved}@@\n{}{}", prefixed('-', old), prefixed('+', new)))
}

fn envelope(body: &str) -> String {
    format!("*** Begin Patch\n{body}*** End Patch\n")
}

fn prefixed(mark: char, text: &str) -> String {
    text.lines().map(|line| format!("{mark}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_has_its_lines_marked() {
        assert_eq!(add("a.txt", "x\n\ny\n"), "*** Begin Patch\n*** Add File: a.txt\n+x\n+\n+y\n*** End Patch\n");
    }

    #[test]
    fn an_edit_takes_lines_out_and_puts_lines_in() {
        let patch = update("a", None, "x\ny", "z");
        assert_eq!(patch, "*** Begin Patch\n*** Update File: a\n@@\n-x\n-y\n+z\n*** End Patch\n");
    }

    #[test]
    fn a_move_names_both_places() {
        let patch = update("a", Some("b"), "x", "y");
        assert_eq!(patch, "*** Begin Patch\n*** Update File: a\n*** Move to: b\n@@\n-x\n+y\n*** End Patch\n");
    }

    #[test]
    fn a_file_is_deleted_by_its_name() {
        assert_eq!(delete("a b"), "*** Begin Patch\n*** Delete File: a b\n*** End Patch\n");
    }
}
