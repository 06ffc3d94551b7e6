use std::os::unix::fs::symlink;
use std::path::Path;

use super::{Right, Roots};
use crate::host::services::Allowed;

/// `inside` and `more` are the session's, `outside` is not.
fn stage() -> (tempfile::TempDir, Roots) {
    let directory = tempfile::tempdir().unwrap();
    for name in ["inside/sub", "more", "outside"] {
        std::fs::create_dir_all(directory.path().join(name)).unwrap();
    }
    std::fs::write(directory.path().join("outside/secret"), "secret").unwrap();
    let roots = Roots::open(
        &[directory.path().join("inside"), directory.path().join("more"), "/dev/null/root".into()],
        &Allowed::default(),
    );
    (directory, roots)
}

fn relative(roots: &Roots, path: &Path) -> Result<String, String> {
    roots
        .place(path, Right::Read)
        .map(|place| place.relative.display().to_string())
        .map_err(|refusal| refusal.to_string())
}

#[test]
fn a_path_is_found_in_its_directory_whether_it_exists_or_not() {
    let (directory, roots) = stage();
    let at = |path: &str| relative(&roots, &directory.path().join(path));
    assert_eq!(at("inside/sub/new/file"), Ok("sub/new/file".to_owned()));
    assert_eq!(at("inside/sub/../x"), Ok("x".to_owned()));
    assert_eq!(at("inside"), Ok(".".to_owned()));
    assert_eq!(at("more/./y/"), Ok("y".to_owned()));
}

#[test]
fn a_path_that_leads_out_is_refused_with_the_path_and_the_directories() {
    let (directory, roots) = stage();
    symlink(directory.path().join("outside"), directory.path().join("inside/link")).unwrap();
    symlink("../../outside/secret", directory.path().join("inside/sub/deep")).unwrap();
    for path in [
        "outside/secret",
        "inside/../outside/secret",
        "inside/link/secret",
        "inside/link/new",
        "inside/sub/deep",
        "inside/link/../more-of-it",
        "",
    ] {
        let path = directory.path().join(path);
        let refusal = relative(&roots, &path).unwrap_err();
        assert!(refusal.contains("leads outside"), "{path:?}: {refusal}");
        assert!(refusal.contains(&path.display().to_string()), "{refusal}");
        for name in ["inside", "more", "/dev/null/root (cannot be opened"] {
            assert!(refusal.contains(name), "{refusal}");
        }
    }
    assert!(relative(&roots, Path::new("sub/x")).unwrap_err().contains("not an absolute path"));
}

#[test]
fn a_link_from_one_directory_of_the_session_to_another_works() {
    let (directory, roots) = stage();
    symlink(directory.path().join("more"), directory.path().join("inside/link")).unwrap();
    let path = directory.path().join("inside/link/x");
    let place = roots.place(&path, Right::Write).unwrap();
    assert_eq!(place.full, directory.path().canonicalize().unwrap().join("more/x"));
}

#[test]
fn parents_of_what_does_not_exist_lead_nowhere() {
    let (directory, roots) = stage();
    let refusal = relative(&roots, &directory.path().join("inside/new/../../outside/secret")).unwrap_err();
    assert!(refusal.starts_with("there is no"), "{refusal}");
}

#[test]
fn a_directory_that_is_exchanged_for_a_link_does_not_move_the_session() {
    let (directory, _) = stage();
    let inner = directory.path().join("inside/sub");
    let roots = Roots::open(&[directory.path().join("inside"), inner.clone()], &Allowed::default());
    std::fs::remove_dir(&inner).unwrap();
    symlink(directory.path().join("outside"), &inner).unwrap();
    assert!(relative(&roots, &inner.join("secret")).unwrap_err().contains("leads outside"));
}

#[test]
fn what_is_allowed_beside_is_confined_and_has_its_own_right() {
    let (directory, _) = stage();
    let at = |name: &str| directory.path().join(name);
    std::fs::create_dir(at("skills")).unwrap();
    std::fs::create_dir(at("skills/writable")).unwrap();
    std::fs::write(at("note"), "").unwrap();
    std::fs::write(at("other"), "").unwrap();
    symlink(at("outside"), at("skills/link")).unwrap();
    let allowed =
        Allowed { read: vec![at("skills"), at("note"), at("missing")], write: vec![at("skills/writable"), "x".into()] };
    let roots = Roots::open(&[at("inside")], &allowed);
    let refused = |name: &str, right| roots.place(&at(name), right).map(|place| place.full).unwrap_err().to_string();
    for (name, right) in [
        ("skills/a/SKILL.md", Right::Read),
        ("note", Right::Read),
        ("skills/writable/x", Right::Read),
        ("skills/writable/x", Right::Write),
        ("inside/x", Right::Write),
    ] {
        assert!(roots.place(&at(name), right).is_ok(), "{name} {right:?}");
    }
    for name in ["skills/a", "note"] {
        let refusal = refused(name, Right::Write);
        assert!(refusal.contains("may be read") && refusal.contains("--allow-write"), "{refusal}");
    }
    for name in ["skills/link/secret", "skills/../outside/secret", "other", "", "missing"] {
        let refusal = refused(name, Right::Read);
        assert!(refusal.contains("leads outside") && refusal.contains("--allow-read PATH"), "{name}: {refusal}");
        assert!(refusal.contains("skills (--allow-read)"), "{refusal}");
    }
    assert!(refused("outside/new", Right::Write).contains("--allow-write PATH"));
}
