//! Requests of ours: prompts that wait, and what is done while nobody is there.

use acp_types::meta::{QUEUE, QUEUE_EDIT, QUEUE_MOVE, QUEUE_WITHDRAW, QueuedPrompt, SESSION_TRUST, SET_POLICY};
use acp_types::{ErrorObjectOwned, RawBuf, RequestId};

use super::{Connection, Then};
use crate::service::command;
use crate::view::v1::params::Params;
use crate::view::{refusal, refused};

/// Whether a request is served here.
pub(super) fn is_ours(name: &str) -> bool {
    [QUEUE, QUEUE_EDIT, QUEUE_MOVE, QUEUE_WITHDRAW, SESSION_TRUST, SET_POLICY].contains(&name)
}

impl Connection {
    /// Serves such a request.
    pub(super) fn control(&mut self, id: &RequestId, name: &str, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let command = match name {
            QUEUE => command::queue(),
            QUEUE_EDIT => {
                let edited = command::queue_edit(params.turn("turn")?, params.content()?);
                edited.map_err(|why| refused::invalid(&why))?
            }
            QUEUE_MOVE => command::queue_move(params.turn("turn")?, params.optional_turn("before")?),
            QUEUE_WITHDRAW => command::queue_withdraw(params.turn("turn")?),
            SESSION_TRUST => command::trust(),
            SET_POLICY => command::set_policy(params.policy()?),
            other => return Err(refusal::method_not_found(other)),
        };
        self.submit(Some(session), command, Then::Call { id: id.clone() });
        Ok(())
    }
}

/// Bytes of all prompts of one answer. Any of them alone may be as long as a message may be.
const MAX_LISTED: usize = 8 * 1024 * 1024;

/// The answer to [`QUEUE`]. Of prompts that are too long together, the longest are named and not shown.
pub(super) fn listed(queue: &[QueuedPrompt]) -> Result<RawBuf, ErrorObjectOwned> {
    let bytes: usize = queue.iter().map(|prompt| prompt.prompt.as_str().len()).sum();
    let most = if bytes > MAX_LISTED { MAX_LISTED / queue.len().max(1) } else { usize::MAX };
    let shown = queue.iter().map(|prompt| {
        let bytes = prompt.prompt.as_str().len();
        if bytes <= most {
            return Ok(prompt.clone());
        }
        let words = format!("[a prompt of {bytes} bytes, which is too long to be listed with the others]");
        let instead = RawBuf::encode(&serde_json::json!([{ "type": "text", "text": words }]))?;
        let mut named = prompt.clone();
        named.prompt = instead;
        Ok(named)
    });
    let answer = shown.collect::<serde_json::Result<Vec<_>>>();
    let answer = answer.and_then(|queue| RawBuf::encode(&serde_json::json!({ "queue": queue })));
    answer.map_err(|error| refusal::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;
    use acp_types::meta::QueuedPrompt;

    use super::{MAX_LISTED, listed};

    #[test]
    fn prompts_that_are_too_long_together_are_named() {
        let prompt = |turn, bytes| {
            let text = "x".repeat(bytes);
            QueuedPrompt::new(
                turn,
                "main",
                RawBuf::encode(&serde_json::json!([{ "type": "text", "text": text }])).unwrap(),
            )
        };
        let queue = [prompt(1, 10), prompt(2, MAX_LISTED), prompt(3, MAX_LISTED / 4)];
        let answer = listed(&queue).unwrap();
        assert!(answer.as_str().len() < MAX_LISTED);
        let value: serde_json::Value = serde_json::from_str(answer.as_str()).unwrap();
        let texts: Vec<_> =
            (0..3).map(|at| value["queue"][at]["prompt"][0]["text"].as_str().unwrap().to_owned()).collect();
        assert_eq!((texts[0].len(), texts[2].len()), (10, MAX_LISTED / 4));
        assert!(texts[1].starts_with("[a prompt of 83"), "{}", texts[1]);
        assert!(listed(&queue[1..2]).unwrap().as_str().len() < 1000);
        assert!(listed(&queue[2..]).unwrap().as_str().len() > MAX_LISTED / 4);
    }
}
