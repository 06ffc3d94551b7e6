use std::time::SystemTime;

use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn files(path: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn text(bytes: usize) -> RawBuf {
    RawBuf::encode(&"x".repeat(bytes - 2)).unwrap()
}

#[tokio::test]
async fn what_one_keeps_another_takes_once_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/vault");
    let gateway = DirectoryVault::open(&path).unwrap();
    let host = DirectoryVault::open(&path).unwrap();
    let odd = RawBuf::parse("{ \"t\" : \"\\ud800\",\n \"n\":1e2, \"n\":null }").unwrap();
    let name = gateway.keep(odd.clone()).await.unwrap();
    assert_eq!(host.take(&name).await, Ok(odd));
    assert_eq!(host.take(&name).await, Err(VaultError::Unknown));
    assert_eq!(files(&path), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn directory_and_files_are_their_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vault");
    let vault = DirectoryVault::open(&path).unwrap();
    vault.keep(text(9)).await.unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(files(&path).iter().map(|file| mode(file)).collect::<Vec<_>>(), [0o600]);
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    DirectoryVault::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700, "what others could read is closed");
    for shared in [0o770, 0o702, 0o777] {
        std::fs::set_permissions(&path, Permissions::from_mode(shared)).unwrap();
        let refused = DirectoryVault::open(&path).unwrap_err();
        assert_eq!(refused, VaultError::Shared { path: path.clone() }, "{shared:o}");
    }
}

#[tokio::test]
async fn a_reference_leads_to_no_other_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vault");
    let vault = DirectoryVault::open(&path).unwrap();
    let outside = directory.path().join("x.secret");
    std::fs::write(&outside, "1").unwrap();
    for name in ["../x", "", "x", outside.to_str().unwrap(), &Uuid::new_v4().to_string()] {
        assert_eq!(vault.take(&name.into()).await, Err(VaultError::Unknown), "{name}");
    }
    assert!(outside.exists());
}

#[tokio::test]
async fn a_damaged_secret_is_refused_and_does_not_stay() {
    let directory = tempfile::tempdir().unwrap();
    let vault = DirectoryVault::open(directory.path()).unwrap();
    for damaged in [&b"{"[..], b"\xff", b""] {
        let name = vault.keep(text(9)).await.unwrap();
        std::fs::write(&files(directory.path())[0], damaged).unwrap();
        assert_eq!(vault.take(&name).await, Err(VaultError::Damaged), "{damaged:?}");
        assert_eq!(files(directory.path()), Vec::<PathBuf>::new());
    }
}

#[tokio::test]
async fn at_its_limits_it_refuses_and_goes_on_once_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let bounds = Bounds { count: 2, bytes: 100, age: Duration::from_secs(60) };
    let vault = DirectoryVault::with(directory.path(), bounds).unwrap();
    assert_eq!(vault.keep(text(101)).await, Err(VaultError::TooBig { bytes: 101, limit: 100 }));
    let one = vault.keep(text(60)).await.unwrap();
    assert_eq!(vault.keep(text(41)).await, Err(VaultError::Full { count: 1, bytes: 60 }));
    vault.keep(text(40)).await.unwrap();
    assert_eq!(vault.keep(text(2)).await, Err(VaultError::Full { count: 2, bytes: 100 }));
    vault.take(&one).await.unwrap();
    vault.keep(text(60)).await.unwrap();
}

#[tokio::test]
async fn what_nobody_took_for_an_hour_is_removed_and_no_other_file_is() {
    let directory = tempfile::tempdir().unwrap();
    let vault = DirectoryVault::open(directory.path()).unwrap();
    let age = |path: &Path, by: Duration| {
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - by).unwrap();
    };
    let old = vault.keep(text(9)).await.unwrap();
    let path = |name: &SecretRef| directory.path().join(name.as_str()).with_extension(EXTENSION);
    let young = vault.keep(text(9)).await.unwrap();
    let foreign = directory.path().join("notes.secret");
    std::fs::write(&foreign, "mine").unwrap();
    age(&path(&old), Duration::from_secs(3601));
    age(&foreign, Duration::from_secs(3601));
    age(&path(&young), Duration::from_secs(3500));
    let vault = DirectoryVault::open(directory.path()).unwrap();
    assert!(!path(&old).exists() && path(&young).exists() && foreign.exists());
    age(&path(&young), Duration::from_secs(3601));
    vault.keep(text(9)).await.unwrap();
    assert!(!path(&young).exists(), "while it is open as well");
}
