//! Directories, and whether two paths name the same one.

use std::path::{Component, Path, PathBuf};

/// Those of the known paths that name the same directory as `wanted`, however either is written: with a slash at its end,
/// through a symbolic link, with `.` or `..`.
///
/// It asks the file system, and so belongs on a thread that may block.
pub(super) fn same(wanted: &str, known: impl IntoIterator<Item = String>) -> Vec<String> {
    let directory = resolved(Path::new(wanted));
    known.into_iter().filter(|path| path == wanted || resolved(Path::new(path)) == directory).collect()
}

/// The path without links as far as it exists, and then as it is written, without `.` and `..`.
fn resolved(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut exists = path;
    loop {
        if let Ok(found) = exists.canonicalize() {
            return rest.into_iter().rev().fold(found, step);
        }
        let Some(parent) = exists.parent() else { break };
        rest.extend(exists.components().next_back());
        exists = parent;
    }
    path.components().fold(PathBuf::new(), step)
}

fn step(mut path: PathBuf, component: Component<'_>) -> PathBuf {
    match component {
        Component::CurDir => {}
        Component::ParentDir => {
            path.pop();
        }
        other => path.push(other),
    }
    path
}

#[cfg(test)]
mod tests {
    use super::same;

    fn names(wanted: &str, known: &[&str]) -> Vec<String> {
        same(wanted, known.iter().map(|path| (*path).to_owned()))
    }

    #[test]
    fn a_directory_is_the_same_however_it_is_written() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().to_str().unwrap();
        std::fs::create_dir_all(format!("{place}/real/deep")).unwrap();
        std::os::unix::fs::symlink(format!("{place}/real/deep"), format!("{place}/link")).unwrap();
        let ways = [
            "real/deep",
            "real/deep/",
            "real//deep",
            "real/./deep/.",
            "link",
            "link/",
            "link/../deep",
            "real/x/../deep",
        ];
        let ways: Vec<String> = ways.iter().map(|way| format!("{place}/{way}")).collect();
        let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
        for way in &ways {
            // What goes through a directory that is not there is read as it is written.
            assert_eq!(names(way, &ways), ways, "{way}");
        }
        assert_eq!(names(&format!("{place}/real"), &ways), Vec::<String>::new());
    }

    #[test]
    fn a_directory_that_is_gone_is_compared_as_it_is_written() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().to_str().unwrap();
        std::os::unix::fs::symlink(place, format!("{place}/link")).unwrap();
        let gone = format!("{place}/gone/deep");
        for way in ["gone/deep/", "gone//deep", "gone/./deep", "gone/x/../deep", "link/gone/deep"] {
            assert_eq!(names(&format!("{place}/{way}"), &[&gone]), [gone.as_str()], "{way}");
        }
        assert_eq!(names("/none/a", &["/none/b", "/none", "/"]), Vec::<String>::new());
        assert_eq!(names("relative/./x", &["relative/x"]), ["relative/x"]);
        assert_eq!(names("", &["", "x"]), [""]);
    }
}
