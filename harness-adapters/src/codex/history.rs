//! The history of a session, shown by the code that also shows it live.

mod page;
mod plans;
mod settings;
mod texts;

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use acp_types::RawBuf;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::connection::Connection;
use super::translate::{Session, Setup};
use super::wire::{self, Files, Turn};
use crate::failure::Failure;
use crate::translate::{Effects, Input, Told, Translator as _};
use page::page;
use plans::Plans;
pub(super) use settings::read as settings;
use texts::Texts;

/// Limit of updates that wait for the client.
const QUEUE: usize = 64;
/// Limit of sub-agents whose work is shown.
const CHILDREN: usize = 64;

type Sender = mpsc::Sender<Result<Told, Failure>>;

/// All updates for a client that loads a thread, oldest first.
pub(super) fn stream(
    connection: Arc<Connection>,
    setup: Setup,
    file: Option<PathBuf>,
) -> mpsc::Receiver<Result<Told, Failure>> {
    let (to, from) = mpsc::channel(QUEUE);
    let owner = Arc::clone(&connection);
    let replay = async move {
        if let Err(failure) = replay(&connection, setup, file, &to).await {
            // Whoever does not listen any more has no use for the reason.
            let _ = to.send(Err(failure)).await;
        }
    };
    owner.spawn(replay);
    from
}

async fn replay(connection: &Connection, setup: Setup, file: Option<PathBuf>, to: &Sender) -> Result<(), Failure> {
    let thread = setup.thread.clone();
    let texts = texts::collect(connection, &thread).await?;
    let plans = plans::collect(file).await;
    let mut player = Player {
        connection,
        to,
        texts,
        plans,
        main: thread.clone(),
        translator: Session::new(Setup { replay: true, titled: true, ..setup }),
        seen: HashSet::new(),
    };
    player.thread(thread).await
}

struct Player<'a> {
    connection: &'a Connection,
    to: &'a Sender,
    texts: Texts,
    plans: Plans,
    main: String,
    translator: Session,
    seen: HashSet<String>,
}

/// The beginning of an item, to play it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    id: String,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    receiver_thread_ids: Vec<String>,
    #[serde(default)]
    agent_thread_id: Option<String>,
}

impl Player<'_> {
    async fn thread(&mut self, main: String) -> Result<(), Failure> {
        let mut threads = VecDeque::from([main]);
        while let Some(thread) = threads.pop_front() {
            self.turns(&thread, &mut threads).await?;
        }
        Ok(())
    }

    async fn turns(&mut self, thread: &str, threads: &mut VecDeque<String>) -> Result<(), Failure> {
        let mut cursor = None;
        loop {
            let page = match page(self.connection, thread, cursor, "asc").await {
                Ok(page) => page,
                // The thread of a sub-agent may be gone.
                Err(_) if thread != self.main => return Ok(()),
                Err(failure) => return Err(failure),
            };
            for turn in page.data {
                self.turn(thread, turn, threads).await?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn turn(&mut self, thread: &str, turn: Turn, threads: &mut VecDeque<String>) -> Result<(), Failure> {
        let about = |status: Value| json!({ "threadId": thread, "turn": { "id": turn.id, "status": status } });
        self.play("turn/started", &about("inProgress".into()), &Files::new()).await?;
        for item in &turn.items {
            let Ok(head) = serde_json::from_str::<Head>(item.as_str()) else {
                tracing::warn!(turn = turn.id, "an item of a session's history cannot be read");
                self.play(wire::UNREADABLE, &json!({ "ends": false }), &Files::new()).await?;
                continue;
            };
            let method = if head.status == "inProgress" { "item/started" } else { "item/completed" };
            let params = json!({ "threadId": thread, "turnId": turn.id, "item": item });
            let files = self.texts.of(&head.id);
            self.play(method, &params, &files).await?;
            for child in head.receiver_thread_ids.into_iter().chain(head.agent_thread_id) {
                if child != self.main && self.seen.len() < CHILDREN && self.seen.insert(child.clone()) {
                    threads.push_back(child);
                }
            }
        }
        if let Some(plan) = self.plans.get(&turn.id).cloned() {
            let params = json!({ "threadId": thread, "turnId": turn.id, "plan": plan });
            self.play("turn/plan/updated", &params, &Files::new()).await?;
        }
        let params = about(json!(turn.status));
        self.play("turn/completed", &params, &Files::new()).await
    }

    async fn play(&mut self, method: &str, params: &Value, files: &Files) -> Result<(), Failure> {
        let message = json!({ "method": method, "params": params, "_files": files });
        let mut effects = Effects::default();
        self.translator.step(Input::Native(RawBuf::trusted(message.to_string())), &mut effects);
        for told in effects.take().filter_map(Told::of).collect::<Vec<_>>() {
            if self.to.send(Ok(told)).await.is_err() {
                return Err(Failure::new(crate::FailureKind::Harness, "nobody listens any more"));
            }
        }
        Ok(())
    }
}
