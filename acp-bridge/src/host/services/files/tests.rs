use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags};

use super::super::Allowed;
use super::super::lines::Lines;
use super::super::roots::Roots;
use super::{read, write};

struct Stage {
    directory: tempfile::TempDir,
    roots: Roots,
}

impl Stage {
    fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["inside", "outside"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        std::fs::write(directory.path().join("outside/file"), "secret").unwrap();
        let roots = Roots::open(&[directory.path().join("inside")], &Allowed::default());
        Self { directory, roots }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, name: &str) -> Result<String, String> {
        let all = Lines::new(None, None, 100);
        read(&self.roots, &self.path(name), all, 100).map_err(|refusal| refusal.to_string())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        write(&self.roots, &self.path(name), text, 100).map_err(|refusal| refusal.to_string())
    }
}

#[test]
fn what_is_written_is_read_back_exactly() {
    let stage = Stage::set();
    for text in ["", "no end of line", "\u{feff}bom\r\n", "ä€𝄞\n\n"] {
        stage.write("inside/a/b/file", text).unwrap();
        assert_eq!(stage.read("inside/a/b/file").unwrap(), text);
    }
    let left: Vec<_> = std::fs::read_dir(stage.path("inside/a/b")).unwrap().collect();
    assert_eq!(left.len(), 1, "temporary files stay behind: {left:?}");
}

#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
    let stage = Stage::set();
    let path = stage.path("inside/script");
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
    let old = std::fs::File::open(&path).unwrap();
    stage.write("inside/script", "new").unwrap();
    let now = std::fs::metadata(&path).unwrap();
    assert_eq!(now.mode() & 0o7777, 0o750);
    assert_eq!(std::io::read_to_string(old).unwrap(), "old", "a reader has half of each");
}

#[test]
fn a_file_with_several_names_keeps_them() {
    let stage = Stage::set();
    std::fs::write(stage.path("inside/file"), "a longer old text").unwrap();
    std::fs::hard_link(stage.path("inside/file"), stage.path("inside/other")).unwrap();
    for text in ["new", "", "longer than any of them before"] {
        stage.write("inside/file", text).unwrap();
        assert_eq!(stage.read("inside/other").unwrap(), text);
        assert_eq!(std::fs::metadata(stage.path("inside/file")).unwrap().nlink(), 2);
    }
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_written() {
    let stage = Stage::set();
    std::fs::write(stage.path("inside/file"), "old").unwrap();
    symlink("file", stage.path("inside/link")).unwrap();
    stage.write("inside/link", "new").unwrap();
    assert!(std::fs::symlink_metadata(stage.path("inside/link")).unwrap().is_symlink());
    assert_eq!(stage.read("inside/file").unwrap(), "new");
}

#[test]
fn owner_and_group_stay_when_root_writes() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let stage = Stage::set();
    for (name, mode) in [("single", 0o640), ("lends", 0o4755), ("double", 0o600)] {
        let path = stage.path("inside").join(name);
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::chown(&path, Some(1000), Some(1001)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        if name == "double" {
            std::fs::hard_link(&path, stage.path("inside/second name")).unwrap();
        }
        stage.write(&format!("inside/{name}"), "new").unwrap();
        let now = std::fs::metadata(&path).unwrap();
        assert_eq!((now.uid(), now.gid(), now.mode() & 0o7777), (1000, 1001, mode), "{name}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }
    let left = std::fs::read_dir(stage.path("inside")).unwrap().count();
    assert_eq!(left, 4, "temporary files stay behind");
}

#[test]
fn extended_attributes_stay() {
    let stage = Stage::set();
    let path = stage.path("inside/file");
    std::fs::write(&path, "old").unwrap();
    let set = rustix::fs::setxattr(&path, "user.note", b"kept", rustix::fs::XattrFlags::empty());
    if set.is_err() {
        // This file system has none.
        return;
    }
    stage.write("inside/file", "new").unwrap();
    let mut value = [0; 16];
    let length = rustix::fs::getxattr(&path, "user.note", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"kept");
}

#[test]
fn a_folder_that_takes_no_other_file_is_no_reason_to_refuse() {
    let stage = Stage::set();
    let folder = stage.path("inside/folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("file"), "old").unwrap();
    // Root may make files there all the same; for anybody else the text is written where it stands.
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    let wrote = stage.write("inside/folder/file", "new");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    wrote.unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("file")).unwrap(), "new");
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let stage = Stage::set();
    let made = std::process::Command::new("mkfifo").arg(stage.path("inside/fifo")).status().unwrap();
    assert!(made.success());
    std::fs::create_dir(stage.path("inside/folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(stage.path("inside/socket")).unwrap();
    symlink("nowhere", stage.path("inside/dangling")).unwrap();
    for (name, what) in [("fifo", "FIFO"), ("folder", "directory"), ("socket", "socket"), ("dangling", "nowhere")] {
        let name = format!("inside/{name}");
        for refusal in [stage.read(&name).unwrap_err(), stage.write(&name, "x").unwrap_err()] {
            assert!(refusal.contains(what) && refusal.contains("not a regular file"), "{refusal}");
        }
    }
    assert!(stage.write("inside", "x").unwrap_err().contains("directory"));
}

#[test]
fn sizes_have_limits_that_are_named() {
    let stage = Stage::set();
    std::fs::write(stage.path("inside/long"), "x\n".repeat(51)).unwrap();
    assert!(stage.read("inside/long").unwrap_err().contains("more than 100 bytes"));
    assert!(stage.write("inside/long", &"x".repeat(101)).unwrap_err().contains("101 bytes; at most 100"));
    let lines = Lines::new(Some(51), None, 100);
    assert_eq!(read(&stage.roots, &stage.path("inside/long"), lines, 100).unwrap(), "x\n");
}

#[test]
fn what_is_no_text_and_what_is_not_there_is_said() {
    let stage = Stage::set();
    std::fs::write(stage.path("inside/binary"), b"ab\xff").unwrap();
    assert!(stage.read("inside/binary").unwrap_err().contains("not UTF-8 text: byte 2"));
    assert!(stage.read("inside/missing").unwrap_err().starts_with("there is no"));
    assert!(stage.read("inside/binary/x").is_err());
}

#[test]
fn nothing_outside_is_read_or_written() {
    let stage = Stage::set();
    symlink(stage.path("outside"), stage.path("inside/link")).unwrap();
    symlink("../outside/file", stage.path("inside/file")).unwrap();
    for name in ["outside/file", "inside/../outside/file", "inside/link/file", "inside/file", "inside/link/new/file"] {
        assert!(stage.read(name).unwrap_err().contains("leads outside"), "{name}");
        assert!(stage.write(name, "x").unwrap_err().contains("leads outside"), "{name}");
    }
    assert_eq!(std::fs::read_to_string(stage.path("outside/file")).unwrap(), "secret");
    assert_eq!(std::fs::read_dir(stage.path("outside")).unwrap().count(), 1);
}

/// A directory on the way is exchanged for a link to the outside and back, as fast as it goes.
#[test]
fn no_exchange_on_the_way_opens_a_way_out() {
    let stage = Stage::set();
    let (folder, link) = (stage.path("inside/folder"), stage.path("inside/link"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("file"), "mine").unwrap();
    symlink(stage.path("outside"), &link).unwrap();
    let over = AtomicBool::new(false);
    let (mut passed, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        // Both ways must have been met, but a machine that does not get there is not wrong.
        for round in 0..20_000 {
            if round >= 2000 && passed > 0 && refused > 0 {
                break;
            }
            match stage.read("inside/folder/file") {
                Ok(text) => {
                    assert_eq!(text, "mine");
                    passed += 1;
                }
                Err(_) => refused += 1,
            }
            // Refused or not does not matter here, only where it goes.
            let _ = stage.write("inside/folder/file", "mine");
            let _ = stage.write("inside/folder/new/file", "mine");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(std::fs::read_to_string(stage.path("outside/file")).unwrap(), "secret");
    assert_eq!(std::fs::read_dir(stage.path("outside")).unwrap().count(), 1, "something was made outside");
}
