//! Files that hold conversations: only their owner may read them.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Files that are looked at when a directory is.
const LOOKED_AT: usize = 10_000;

/// Creates a file or empties it; in either case only its owner may read it from now on.
///
/// # Errors
/// When it cannot be created, or belongs to somebody else.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    if is_wide(&file.metadata()?.permissions()) {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Creates a directory, and those above it, for its owner only; one that is there stays as it is.
///
/// # Errors
/// When it cannot be created.
pub(crate) fn directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The files of a directory that others than their owner may read or write.
///
/// # Errors
/// When the directory cannot be read.
pub(crate) fn wide(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)?.take(LOOKED_AT) {
        let entry = entry?;
        // One that has gone meanwhile is read by nobody.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() && is_wide(&metadata.permissions()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn is_wide(permissions: &Permissions) -> bool {
    permissions.mode() & OTHERS != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn files_are_their_owners_also_those_that_were_there() {
        let home = tempfile::tempdir().expect("temp dir");
        let directory = home.path().join("a/b");
        self::directory(&directory).expect("a directory");
        assert_eq!(mode(&directory), 0o700);
        let (new, old) = (directory.join("new"), directory.join("old"));
        std::fs::write(&old, "what was said").expect("write");
        std::fs::set_permissions(&old, Permissions::from_mode(0o644)).expect("permissions");
        assert_eq!(wide(&directory).expect("a directory"), std::slice::from_ref(&old));
        for path in [&new, &old] {
            create(path).expect("a file");
            assert_eq!(mode(path), 0o600);
        }
        assert_eq!(wide(&directory).expect("a directory"), Vec::<PathBuf>::new());
    }
}
