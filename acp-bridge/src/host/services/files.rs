//! Reading and writing text files in the session's directories. Blocking.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;

use cap_std::fs::{Dir, FileType, FileTypeExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use rustix::fs::OFlags;

use super::lines::Lines;
use super::refusal::Refusal;
use super::roots::{Place, Roots};

/// Nothing that is opened may make us wait, as a FIFO without a writer would.
const NONBLOCK: i32 = OFlags::NONBLOCK.bits() as i32;
/// How far lines are looked for.
const MAX_SCAN: u64 = 1 << 30;
const PIECE: usize = 64 * 1024;
/// For a file until it has the permissions of the one that it replaces.
const OWNER_ONLY: u32 = 0o600;

/// The lines of a file that were asked for.
pub(super) fn read(roots: &Roots, path: &Path, mut lines: Lines, limit: usize) -> Result<String, Refusal> {
    let place = roots.place(path)?;
    check_is_file(&place, place.dir.symlink_metadata(&place.relative).map_err(|e| place.io(e))?.file_type())?;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(NONBLOCK);
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

/// Makes a file's content this text, at once: whoever reads it sees the old or the new one. What is missing on the way
/// is made. The permissions of a file that exists stay; its owner becomes ours, and other names of it keep the old text.
pub(super) fn write(roots: &Roots, path: &Path, text: &str, limit: usize) -> Result<(), Refusal> {
    let place = roots.place(path)?;
    if text.len() > limit {
        return Err(Refusal::LongWrite { path: place.asked(), bytes: text.len(), limit });
    }
    let Some(name) = place.relative.file_name() else {
        return Err(Refusal::NoFile { path: place.asked(), what: "a directory" });
    };
    let folder = folder_of(&place).map_err(|e| place.io(e))?;
    let permissions = match folder.symlink_metadata(name) {
        Ok(there) => {
            check_is_file(&place, there.file_type())?;
            // To replace a file one needs no right to write to it, but whoever took that right away meant it.
            let mut options = OpenOptions::new();
            options.write(true).custom_flags(NONBLOCK);
            folder.open_with(name, &options).map_err(|e| place.io(e))?;
            Some(there.permissions())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(place.io(error)),
    };
    replace(&folder, name, text, permissions).map_err(|e| place.io(e))
}

/// The directory that a file is in, made if it is missing. It is held open, so that what follows happens in it.
fn folder_of(place: &Place<'_>) -> io::Result<Dir> {
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

fn replace(folder: &Dir, name: &OsStr, text: &str, permissions: Option<Permissions>) -> io::Result<()> {
    let temporary = format!(".acp-bridge-{}.tmp", uuid::Uuid::now_v7().simple());
    let filled = fill(folder, &temporary, text, permissions).and_then(|()| folder.rename(&temporary, folder, name));
    if filled.is_err() {
        // It may not even have come to be; the first error is the one that tells.
        let _ = folder.remove_file(&temporary);
    }
    filled
}

fn fill(folder: &Dir, temporary: &str, text: &str, permissions: Option<Permissions>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if permissions.is_some() {
        options.mode(OWNER_ONLY);
    }
    let mut file = folder.open_with(temporary, &options)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.set_permissions(Permissions::from_mode(permissions.mode() & 0o7777))?;
    }
    // Without this a power cut could leave the new name with nothing under it.
    file.sync_all()
}

fn check_is_file(place: &Place<'_>, file_type: FileType) -> Result<(), Refusal> {
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
