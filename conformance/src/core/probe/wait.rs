//! Waits of a scenario. Whatever comes meanwhile is recorded, and answered if it is a request.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::wire::Wire;
use super::{Probe, Stop};
use crate::core::history::{Body, Message, What};

impl Probe {
    /// Waits for the answer to a request, answering what the subject asks meanwhile. One that came while something else
    /// was waited for is not waited for again.
    pub async fn answer(&mut self, label: &str, id: &Value, limit: Duration) -> Result<Result<Value, Value>, Stop> {
        if let Some(Some(outcome)) = self.asked.get(&id.to_string()) {
            return Ok(outcome.clone());
        }
        let answers = |message: &Message| matches!(&message.body, Body::Response { id: found, .. } if found == id);
        let message = self.until(label, limit, answers).await?;
        match message.body {
            Body::Response { outcome, .. } => Ok(outcome),
            _ => Err(Stop::Gone),
        }
    }

    /// Waits for the answers to several requests, in whatever order they come.
    pub async fn answers(&mut self, label: &str, mut open: Vec<Value>, limit: Duration) -> Result<(), Stop> {
        open.retain(|id| !matches!(self.asked.get(&id.to_string()), Some(Some(_))));
        if open.is_empty() {
            return Ok(());
        }
        let all = |message: &Message| {
            if let Body::Response { id, .. } = &message.body {
                open.retain(|asked| asked != id);
            }
            open.is_empty()
        };
        self.until(label, limit, all).await.map(drop)
    }

    /// Waits for a message of the subject, answering what it asks meanwhile.
    pub async fn until(
        &mut self,
        label: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Result<Message, Stop> {
        let deadline = Instant::now() + limit;
        loop {
            let Some(message) = self.next(deadline).await? else {
                self.recorder.push(What::Missed { label: label.to_owned(), waited_ms: millis(limit) });
                return Err(Stop::Late(label.to_owned()));
            };
            let found = wanted(&message);
            self.serve(&message).await?;
            if found {
                return Ok(message);
            }
        }
    }

    /// Watches until what may come has come, at most so long; that it did not is no fault of the subject. Whether it came.
    pub(crate) async fn look_for(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Result<bool, Stop> {
        let deadline = Instant::now() + limit;
        while let Some(message) = self.next(deadline).await? {
            let found = wanted(&message);
            self.serve(&message).await?;
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Watches for the quiet window. What comes is recorded and answered.
    pub async fn quiet(&mut self, label: &str) -> Result<(), Stop> {
        self.watch(label, self.limits.quiet, |_| ()).await
    }

    /// Watches for so long. What comes is recorded, shown to `saw` and answered.
    pub(crate) async fn watch(
        &mut self,
        label: &str,
        window: Duration,
        mut saw: impl FnMut(&Message),
    ) -> Result<(), Stop> {
        let deadline = Instant::now() + window;
        let watched = loop {
            match self.next(deadline).await {
                Ok(Some(message)) => {
                    saw(&message);
                    self.serve(&message).await?;
                }
                Ok(None) => break Ok(()),
                Err(stop) => break Err(stop),
            }
        };
        self.recorder.push(What::Quiet { label: label.to_owned(), ms: millis(window) });
        watched
    }

    /// The next message, or `None` at the deadline.
    async fn next(&mut self, deadline: Instant) -> Result<Option<Message>, Stop> {
        let wire = self.wire.as_mut().ok_or(Stop::Gone)?;
        let next = wire.next(deadline, &mut self.recorder).await;
        if let Ok(Some(Message { body: Body::Response { id, outcome }, .. })) = &next
            && let Some(seen) = self.asked.get_mut(&id.to_string())
        {
            seen.get_or_insert_with(|| outcome.clone());
        }
        next
    }

    /// Serves the subject until it is gone, so long at most. Whether it is, and whether it has exited.
    pub async fn farewell(&mut self, limit: Duration) -> (bool, bool) {
        let deadline = Instant::now() + limit;
        let gone = loop {
            match self.next(deadline).await {
                Ok(Some(message)) if self.serve(&message).await.is_ok() => {}
                Ok(None) => break false,
                Ok(Some(_)) | Err(_) => break true,
            }
        };
        (gone, self.wire.as_ref().is_some_and(Wire::has_exited))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
