//! The search path for programs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The first `program` on a search path that fits; `None` without a path.
pub(crate) fn find(program: &Path, path: Option<OsString>, fits: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    std::env::split_paths(&path?).map(|directory| directory.join(program)).find(|candidate| fits(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits_is_found() {
        let path = || Some(OsString::from("/none:/one:/two"));
        let program = Path::new("tool");
        assert_eq!(find(program, path(), |found| found.starts_with("/two")), Some("/two/tool".into()));
        assert_eq!(find(program, path(), |found| !found.starts_with("/none")), Some("/one/tool".into()));
        assert_eq!(find(program, path(), |_| false), None);
        assert_eq!(find(program, None, |_| true), None);
    }
}
