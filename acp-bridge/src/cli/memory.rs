//! Memory that goes back to the system when it is not needed any more.
//!
//! The allocator of glibc gives big blocks back at once, until the first of them is freed: then it raises the size from
//! which a block is big to that one's, up to 32 MiB, and keeps what is smaller for the thread that had it. One message of
//! 12 MB would be worth hundreds of megabytes in a bridge that runs for weeks. A fixed size ends that; it can be set in
//! the environment only, before the program begins.

/// Starts this program over with a fixed size, once. Where that fails it goes on as it is, and needs more memory.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn give_back_what_is_big() {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use acp_server::transport::child::OWN_ALLOCATOR;

    /// The size, in glibc's own words and with its own default.
    const THRESHOLD: &str = "131072";

    let [marker, name] = OWN_ALLOCATOR;
    if std::env::var_os(name).is_some() || std::env::var_os(marker).is_some() {
        return;
    }
    let mut words = std::env::args_os();
    let (Some(called), Ok(program)) = (words.next(), std::env::current_exe()) else { return };
    let error = Command::new(program).arg0(called).args(words).env(marker, "1").env(name, THRESHOLD).exec();
    tracing::debug!(%error, "the allocator keeps its defaults");
}

/// Other allocators have no such habit.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back_what_is_big() {}
