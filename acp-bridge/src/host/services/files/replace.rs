//! New content for a file that exists: the file stays what it is to everybody else.
//!
//! Another file with the new text takes its name in one step where that file can be made the same in all but its text:
//! owner, group, mode, extended attributes. Where it cannot, or where the file has other names, the text is written into
//! the file that is there.

use std::ffi::{CStr, OsStr};
use std::io::{self, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::fchown;

use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

/// For a file until it has the permissions of the one that it replaces.
const OWNER_ONLY: u32 = 0o600;
/// Of a mode, what can be set.
const SETTABLE: u32 = 0o7777;
/// The most that Linux has of names of attributes, and of the value of one.
const MAX_XATTR: usize = 64 * 1024;

/// Reason why a file does not have its new text.
#[derive(Debug)]
pub(super) enum Failure {
    /// It has the old one.
    Untouched(io::Error),
    /// It was written where it stands, and may have a part of the new one.
    Torn(io::Error),
}

/// Makes `text` the content of `file`, which stands under `name` in `folder` and is open for writing.
pub(super) fn replace(folder: &Dir, name: &OsStr, file: &File, text: &str) -> Result<(), Failure> {
    let there = file.metadata().map_err(Failure::Untouched)?;
    if there.nlink() == 1 && in_one_step(folder, name, file, &there, text).map_err(Failure::Untouched)? {
        return Ok(());
    }
    in_place(file, &there, text)
}

/// Gives the name to another file of the same kind with the text; `false` if there can be none.
fn in_one_step(folder: &Dir, name: &OsStr, file: &File, there: &Metadata, text: &str) -> io::Result<bool> {
    let temporary = temporary();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(OWNER_ONLY);
    // Whoever may write to the file may not be allowed to make others beside it.
    let Ok(mut new) = folder.open_with(&temporary, &options) else { return Ok(false) };
    let made = fill(&mut new, file, there, text);
    let took_name = matches!(made, Ok(true)) && folder.rename(&temporary, folder, name).is_ok();
    if !took_name {
        // It was made here. The error that tells is the first.
        let _ = folder.remove_file(&temporary);
    }
    made.map(|_| took_name)
}

/// A new file with the text, and alike in all else; whether that is so.
fn fill(new: &mut File, file: &File, there: &Metadata, text: &str) -> io::Result<bool> {
    if !is_dressed_like(new, file, there) {
        return Ok(false);
    }
    new.write_all(text.as_bytes())?;
    // Last: writing takes the bits away that lend rights.
    let alike = new.set_permissions(Permissions::from_mode(there.mode() & SETTABLE)).is_ok();
    new.sync_all()?;
    let made = new.metadata()?;
    let same = (made.uid(), made.gid(), made.mode()) == (there.uid(), there.gid(), there.mode());
    Ok(alike && same)
}

/// Gives a new file the owner, the group and the attributes of another; whether it has them then.
fn is_dressed_like(new: &File, file: &File, there: &Metadata) -> bool {
    let Ok(made) = new.metadata() else { return false };
    let other = |theirs: u32, ours: u32| (theirs != ours).then_some(theirs);
    let (uid, gid) = (other(there.uid(), made.uid()), other(there.gid(), made.gid()));
    if (uid.is_some() || gid.is_some()) && fchown(new, uid, gid).is_err() {
        return false;
    }
    let (Ok(wanted), Ok(has)) = (attributes(file), attributes(new)) else { return false };
    let missing = wanted.iter().filter(|attribute| !has.contains(attribute));
    let set = |(name, value): &(Vec<u8>, Vec<u8>)| {
        let name = CStr::from_bytes_with_nul(name).ok();
        name.is_some_and(|name| fsetxattr(new, name, value, XattrFlags::empty()).is_ok())
    };
    // One that only the new file has comes from its directory, and cannot be had without.
    let strange = has.iter().any(|(name, _)| wanted.iter().all(|(wanted, _)| wanted != name));
    !strange && { missing }.all(set)
}

/// Extended attributes, access lists among them: names with their final zero, and values.
fn attributes(file: &File) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut names = vec![0; MAX_XATTR];
    let length = match flistxattr(file.as_fd(), names.as_mut_slice()) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => 0,
        Err(error) => return Err(error.into()),
    };
    let names = names[..length].split_inclusive(|byte| *byte == 0);
    let pair = |name: &[u8]| {
        let named = CStr::from_bytes_with_nul(name).map_err(io::Error::other)?;
        let mut value = vec![0; MAX_XATTR];
        let length = fgetxattr(file.as_fd(), named, value.as_mut_slice())?;
        value.truncate(length);
        Ok((name.to_vec(), value))
    };
    names.map(pair).collect()
}

/// Writes over the old text. Room for the new one is taken before the first byte is written, so that a disk which is full
/// leaves the old text; what a crash or a broken disk leaves is a part of each.
fn in_place(mut file: &File, there: &Metadata, text: &str) -> Result<(), Failure> {
    reserve(file, there.len(), text.len() as u64).map_err(Failure::Untouched)?;
    let written = file.rewind().and_then(|()| file.write_all(text.as_bytes()));
    written.and_then(|()| file.set_len(text.len() as u64)).map_err(Failure::Torn)?;
    if file.metadata().is_ok_and(|now| now.mode() != there.mode())
        && let Err(error) = file.set_permissions(Permissions::from_mode(there.mode() & SETTABLE))
    {
        // The system has taken away what lends the owner's rights, and only the owner can give it back.
        tracing::warn!(%error, "a file that was written has lost bits of its mode");
    }
    file.sync_all().map_err(Failure::Torn)
}

/// Takes room for a text that is longer than the file.
#[cfg(target_os = "linux")]
fn reserve(file: &File, old: u64, new: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    if new <= old {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::KEEP_SIZE, old, new - old) {
        Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(error.into()),
        // Not every file system can.
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

/// Makes a file that is not there, with its whole text from the beginning.
pub(super) fn create(folder: &Dir, name: &OsStr, text: &str) -> io::Result<()> {
    let temporary = temporary();
    let made = fill_new(folder, &temporary, text).and_then(|()| folder.rename(&temporary, folder, name));
    if made.is_err() {
        // It may not even have come to be; the first error is the one that tells.
        let _ = folder.remove_file(&temporary);
    }
    made
}

fn fill_new(folder: &Dir, temporary: &str, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = folder.open_with(temporary, &options)?;
    file.write_all(text.as_bytes())?;
    // Without this a power cut could leave the new name with nothing under it.
    file.sync_all()
}

fn temporary() -> String {
    format!(".acp-bridge-{}.tmp", uuid::Uuid::now_v7().simple())
}
