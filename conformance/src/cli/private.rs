//! Files that hold conversations: readable by their owner only.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Opens a file to write at its end, and makes it when there is none.
pub(super) fn append(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().create(true).append(true), path)
}

/// Opens an empty file to write.
pub(super) fn create(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().write(true).create(true).truncate(true), path)
}

/// Makes a directory, and those that lead to it, where there is none.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.mode(0o600).open(path)?;
    let found = file.metadata()?;
    // One that was there may be open to all; what is no file, a terminal for one, is left as it is.
    if found.is_file() && found.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{append, create, create_directory};

    #[test]
    fn what_is_written_is_for_its_owner_also_where_a_file_was_open_to_all() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("a/b");
        create_directory(&folder).unwrap();
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for name in ["new", "wide"] {
            let path = folder.join(name);
            if name == "wide" {
                std::fs::write(&path, "x").unwrap();
                std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
            }
            append(&path).unwrap();
            assert_eq!(mode(&path), 0o600);
            create(&path).unwrap();
            assert_eq!((mode(&path), std::fs::metadata(&path).unwrap().len()), (0o600, 0));
        }
    }
}
