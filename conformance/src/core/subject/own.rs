//! Directories of a bridge's own while it is tested, so that it meets no other one of the same kind: one of the user's, or
//! one that is tested at the same time.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::sync::Mutex;
use std::sync::PoisonError;

use tempfile::TempDir;

/// Directories for what outlives its processes, and a port; made when it is first started.
#[derive(Debug, Default)]
pub struct Own(Mutex<Option<Made>>);

#[derive(Debug)]
struct Made {
    directory: TempDir,
    port: u16,
}

impl Own {
    /// The variables by which a bridge finds it. The directories are there and private; at the port nobody listened when
    /// it was chosen.
    pub(super) fn env(&self) -> io::Result<[(&'static str, OsString); 3]> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match &mut *made {
            Some(made) => made,
            none => none.insert(Made { directory: tempfile::tempdir()?, port: free_port()? }),
        };
        let [state, run] = ["state", "run"].map(|name| made.directory.path().join(name));
        for path in [&state, &run] {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        Ok([
            ("XDG_STATE_HOME", state.into()),
            ("XDG_RUNTIME_DIR", run.into()),
            // Where `acp-bridge attach` looks for a bridge, and starts one.
            ("ACP_BRIDGE_URL", format!("http://127.0.0.1:{}", made.port).into()),
        ])
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_keeps_what_it_has_and_shares_none_of_it_with_another() {
        let (one, other) = (Own::default(), Own::default());
        let (first, again) = (one.env().expect("a place"), one.env().expect("the place"));
        assert_eq!(first, again);
        // Held, so that the port cannot be chosen again.
        let address = first[2].1.to_str().and_then(|url| url.strip_prefix("http://")).expect("an address").to_owned();
        let _held = TcpListener::bind(address).expect("a port where nobody listens");
        let second = other.env().expect("another place");
        for ((name, mine), (_, theirs)) in first.iter().zip(&second) {
            assert_ne!(mine, theirs, "{name}");
        }
    }
}
