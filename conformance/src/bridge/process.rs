//! Processes of the bridge's far end, looked at from outside. Only Linux shows them.

use std::time::Duration;

use tokio::time::Instant;

/// Between two looks.
const PACE: Duration = Duration::from_millis(20);

/// One process, which no later one under the same number is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    /// When it started, in ticks of the machine.
    started: u64,
}

/// State of a process after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// It has ended, and its parent has not looked after it.
    Zombie,
    Running,
}

impl Left {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Zombie => "zombie",
            Self::Running => "running",
        }
    }
}

/// State and start of a process.
fn look(pid: u32) -> Option<(char, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields.first()?.chars().next()?, fields.get(19)?.parse().ok()?))
}

impl Process {
    /// The process of this number. `None` if it is not one of this machine, or the machine does not show it.
    pub(super) fn of(pid: u32) -> Option<Self> {
        look(pid).map(|(_, started)| Self { pid, started })
    }

    fn left(self) -> Left {
        match look(self.pid) {
            Some((_, started)) if started != self.started => Left::Nothing,
            Some(('Z' | 'X', ..)) => Left::Zombie,
            Some(_) => Left::Running,
            None => Left::Nothing,
        }
    }

    /// Waits until nothing is left of it, at most so long. What is left then.
    pub(super) async fn ends(self, limit: Duration) -> Left {
        let deadline = Instant::now() + limit;
        loop {
            let left = self.left();
            if left == Left::Nothing || Instant::now() >= deadline {
                return left;
            }
            tokio::time::sleep(PACE).await;
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_seen_running_then_unburied_then_gone() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("a process");
        let process = Process::of(child.id()).expect("it runs");
        assert_eq!(process.left(), Left::Running);
        child.kill().expect("a signal");
        let deadline = Instant::now() + Duration::from_secs(10);
        while process.left() == Left::Running && Instant::now() < deadline {
            tokio::task::yield_now().await;
        }
        assert_eq!(process.left(), Left::Zombie);
        child.wait().expect("its end");
        assert_eq!(process.ends(Duration::ZERO).await, Left::Nothing);
    }
}
