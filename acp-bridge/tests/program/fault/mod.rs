//! A bridge, an agent and two clients, with a plan of what goes wrong.
#![allow(unreachable_pub, reason = "part of one test file")]

pub mod check;
pub mod dice;
pub mod peer;
pub mod plan;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use self::dice::Dice;
use self::peer::Peer;
use self::plan::{Fault, Round, Work};
use crate::support::{Bridge, Options};

/// What may become of a turn after what was done to it.
#[derive(Debug)]
pub struct Done {
    pub key: String,
    pub work: Work,
    pub killed: bool,
    pub cancelled: bool,
}

pub struct Stage {
    bridge: Bridge,
    pid: PathBuf,
    pub session: String,
    /// Prompts, and answers what is asked.
    pub one: Peer,
    /// Looks on, and answers as well.
    pub other: Peer,
    pub done: Vec<Done>,
    /// The agent was killed when its turn was over for it, which may be noticed only in the next one.
    killed: bool,
    _directory: tempfile::TempDir,
}

impl Stage {
    pub fn set() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let pid = directory.path().join("pid");
        let flags = ["--resume", "--pid", pid.to_str().expect("a UTF-8 path")];
        let bridge = Bridge::on(&directory.path().join("log.db"), Options::fault_agent(&flags));
        let (mut one, mut other) = (Peer::new("one"), Peer::new("other"));
        let session = one.create(&bridge.address);
        other.come(&bridge.address, &session);
        Self { bridge, pid, session, one, other, done: Vec::new(), killed: false, _directory: directory }
    }

    pub fn bridge(&self) -> &Bridge {
        &self.bridge
    }

    /// One turn with its faults, until both clients know how it ended.
    pub fn round(&mut self, number: usize, round: &Round, dice: &mut Dice) {
        let key = format!("k{number}");
        let text = round.work.text();
        self.one.events = 0;
        let begun = self.one.cursor;
        self.one.prompt(&key, &text);
        let mut faults = round.faults.iter().peekable();
        let (mut killed, mut cancelled) = (std::mem::take(&mut self.killed), false);
        loop {
            let point = faults.peek().map_or(usize::MAX, |(point, _)| *point);
            self.one.until("the next point of the plan", |one| {
                one.answers.contains_key(&key) || one.events >= point || !one.asks.is_empty()
            });
            let over = self.one.answers.contains_key(&key);
            let due = over || self.one.events >= point;
            if let Some((_, fault)) = faults.next_if(|_| due) {
                // What one has seen is there for the other, as far as it reads.
                let behind = begun + (self.one.cursor - begun) * round.lag / 10;
                self.other.until("as much", |other| other.cursor >= behind);
                if !over {
                    killed |= matches!(fault, Fault::Bridge | Fault::Agent);
                    cancelled |= *fault == Fault::Cancel;
                }
                match fault {
                    Fault::Agent => self.killed = true,
                    Fault::Bridge => self.killed = false,
                    Fault::Cut { .. } | Fault::Cancel => {}
                }
                self.strike(*fault, round.drains);
                if !over && !self.one.answers.contains_key(&key) && !matches!(fault, Fault::Agent | Fault::Cancel) {
                    self.one.prompt(&key, &text);
                }
            } else if over {
                break;
            } else {
                self.answer(dice);
            }
        }
        // An agent that was killed while it started has failed the turn: that is an error of its own, and names none.
        let outcome = ours(&self.one.answers[&key])["outcome"].as_str();
        self.killed &= matches!(outcome, Some("completed" | "cancelled"));
        self.other.until("the end of the turn", |other| other.ended.len() > number);
        for peer in [&self.one, &self.other] {
            assert!(peer.asks.is_empty(), "P8: {} is asked still, after the turn", peer.name);
        }
        self.done.push(Done { key, work: round.work.clone(), killed, cancelled });
    }

    /// Whoever was asked answers, each in its own way.
    fn answer(&mut self, dice: &mut Dice) {
        let both = dice.below(2) == 0;
        if both {
            // Unless a stop that is on its way has answered it.
            let ended = self.other.ended.len();
            self.other.until("the question", |other| !other.asks.is_empty() || other.ended.len() > ended);
        }
        if both && dice.below(2) == 0 {
            self.other.answer("no");
            self.one.answer("yes");
        } else {
            self.one.answer("yes");
            self.other.answer("no");
        }
    }

    fn strike(&mut self, fault: Fault, drains: bool) {
        match fault {
            Fault::Bridge => {
                self.bridge.kill();
                for peer in [&mut self.one, &mut self.other] {
                    if drains {
                        peer.drain();
                    }
                    peer.cut();
                }
                self.bridge.restart();
                self.one.come(&self.bridge.address, &self.session);
                self.other.come(&self.bridge.address, &self.session);
            }
            Fault::Agent => {
                let pid = std::fs::read_to_string(&self.pid).expect("the agent's pid");
                // It may be dead already.
                let _ = Command::new("kill").args(["-9", &pid]).stderr(Stdio::null()).status().expect("run kill");
            }
            Fault::Cut { one, other } => {
                for (peer, cut) in [(&mut self.one, one), (&mut self.other, other)] {
                    if cut {
                        peer.cut();
                        peer.come(&self.bridge.address, &self.session);
                    }
                }
            }
            Fault::Cancel => self.one.cancel(),
        }
    }
}

/// What the bridge has added to a prompt's answer.
pub fn ours(answer: &serde_json::Value) -> &serde_json::Value {
    let place = if answer["error"].is_null() { &answer["result"]["_meta"] } else { &answer["error"]["data"] };
    &place["acp-bridge"]
}
