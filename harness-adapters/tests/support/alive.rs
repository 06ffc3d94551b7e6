//! A pipe that tells when a command, with all that it has started, has ended.

use std::process::Command;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::{OpenOptions, Receiver};

use super::{Stage, soon};

/// A named pipe `alive` in the workspace. A command that begins with `exec 9>alive` holds its other end, and so does all
/// that it starts.
pub(crate) struct Alive(Receiver);

impl Alive {
    pub(crate) fn new(stage: &Stage) -> Self {
        let path = stage.workspace().join("alive");
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        Self(OpenOptions::new().open_receiver(path).expect("a pipe"))
    }

    /// Returns when the last that held the pipe has gone; at once if nothing has held it yet.
    pub(crate) async fn ended(&mut self) {
        let read = self.0.read(&mut [0]).await.expect("the end of the pipe");
        assert_eq!(read, 0, "nobody writes to it");
    }

    /// The same with a limit. A command for this ends by itself much later, so that what it shows is a kill.
    pub(crate) async fn killed(&mut self) {
        soon("the end of the command", self.ended()).await;
    }
}
