//! What the program says and nobody can read: it is told, and whoever waits for it gets an answer.

use super::Session;
use crate::claude::wire::{Reply, Unreadable, control};
use crate::translate::Effects;

impl Session {
    pub(super) fn misread(&mut self, unreadable: Unreadable, out: &mut Effects) {
        let Unreadable { kind, why, request, reply, result } = unreadable;
        tracing::warn!(%kind, %why, "a message of Claude Code cannot be read");
        self.notices.tell(&format!("Claude Code said something that cannot be read: {kind} ({why})."), out);
        if let Some(id) = request {
            out.send(control::refuse(&id, "this client cannot read the request"));
        }
        if let Some(request_id) = reply {
            let error = Some("its answer cannot be read".to_owned());
            let reply = Reply {
                request_id,
                subtype: "error".to_owned(),
                response: serde_json::Value::Null,
                error,
                error_code: None,
            };
            self.replied(reply, out);
        }
        if let Some(result) = result {
            self.result(&result, out);
        }
    }
}
