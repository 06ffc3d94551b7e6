//! Reading and writing text files in the session's directories. Blocking.

mod replace;

use std::io::{self, Read};
use std::path::Path;

use cap_std::fs::{Dir, FileType, FileTypeExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use self::replace::Failure;
use super::lines::Lines;
use super::refusal::Refusal;
use super::roots::{Right, RootedPath, Roots};

/// Nothing that is opened may make us wait, as a FIFO without a writer would. Paths have no links, see [`super::roots`]:
/// what is one by now was exchanged.
const AS_IT_IS: i32 = OFlags::NONBLOCK.union(OFlags::NOFOLLOW).bits() as i32;
/// Bytes in which lines are looked for.
const MAX_SCAN: u64 = 1 << 30;
const PIECE: usize = 64 * 1024;

/// The lines of a file that were asked for.
pub(super) fn read(roots: &Roots, path: &Path, mut lines: Lines, limit: usize) -> Result<String, Refusal> {
    let place = roots.place(path, Right::Read)?;
    check_is_file(&place, place.dir.symlink_metadata(&place.relative).map_err(|e| place.io(e))?.file_type())?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(AS_IT_IS);
    let mut file = place.dir.open_with(&place.relative, &options).map_err(|e| place.io(e))?;
    // Another may stand there by now, and this one is what is read.
    check_is_file(&place, file.metadata().map_err(|e| place.io(e))?.file_type())?;
    let mut piece = vec![0; PIECE];
    let mut scanned: u64 = 0;
    while !lines.is_complete() {
        let read = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(place.io(error)),
        };
        lines.push(&piece[..read]).map_err(|_| Refusal::LongRead { path: place.asked(), limit })?;
        scanned += read as u64;
        if scanned > MAX_SCAN {
            return Err(Refusal::FarRead { path: place.asked(), limit: MAX_SCAN });
        }
    }
    String::from_utf8(lines.into_bytes())
        .map_err(|e| Refusal::NoText { path: place.asked(), at: e.utf8_error().valid_up_to() })
}

/// Makes a file's content this text. What is missing on the way is made. A file that exists keeps its owner, group, mode,
/// extended attributes and names, see [`replace`]; a link stays and leads to it.
pub(super) fn write(roots: &Roots, path: &Path, text: &str, limit: usize) -> Result<(), Refusal> {
    let place = roots.place(path, Right::Write)?;
    if text.len() > limit {
        return Err(Refusal::LongWrite { path: place.asked(), bytes: text.len(), limit });
    }
    let Some(name) = place.relative.file_name() else {
        return Err(Refusal::NoFile { path: place.asked(), what: "a directory" });
    };
    let folder = folder_of(&place).map_err(|e| place.io(e))?;
    match folder.symlink_metadata(name) {
        Ok(there) => {
            check_is_file(&place, there.file_type())?;
            // To replace a file one needs no right to write to it, but whoever took that right away meant it.
            let mut options = OpenOptions::new();
            options.write(true).custom_flags(AS_IT_IS);
            let file = folder.open_with(name, &options).map_err(|e| place.io(e))?;
            check_is_file(&place, file.metadata().map_err(|e| place.io(e))?.file_type())?;
            replace::replace(&folder, name, &file, text).map_err(|failure| match failure {
                Failure::Untouched(error) => place.io(error),
                Failure::Torn(source) => Refusal::Torn { path: place.asked(), source },
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace::create(&folder, name, text).map_err(|e| place.io(e))
        }
        Err(error) => Err(place.io(error)),
    }
}

/// The directory that a file is in, made if it is missing. It is held open, so that what follows happens in it.
fn folder_of(place: &RootedPath<'_>) -> io::Result<Dir> {
    let parent = match place.relative.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match place.dir.open_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            place.dir.create_dir_all(parent)?;
            place.dir.open_dir(parent)
        }
        opened => opened,
    }
}

fn check_is_file(place: &RootedPath<'_>, file_type: FileType) -> Result<(), Refusal> {
    let what = if file_type.is_file() {
        return Ok(());
    } else if file_type.is_dir() {
        "a directory"
    } else if file_type.is_symlink() {
        "a link that leads nowhere"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else {
        "a device or a socket"
    };
    Err(Refusal::NoFile { path: place.asked(), what })
}

#[cfg(test)]
mod tests;
