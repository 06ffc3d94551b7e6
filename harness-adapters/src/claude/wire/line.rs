//! One line of the program.

use acp_types::{Raw, RawBuf};
use serde::{Deserialize, Serialize};

use super::control::{Ask, Envelope, Reply, Withdrawn};
use super::message::{Assistant, User};
use super::result::TurnResult;
use super::stream::StreamEvent;
use super::system::System;
use super::unreadable::{LINE, Unreadable};

/// One line of the program.
#[derive(Debug)]
pub(crate) enum Message {
    /// `system`.
    System(System),
    /// `stream_event`: a part of a message of the model.
    Stream(StreamEvent),
    /// `assistant`: one block of a message of the model.
    Assistant(Assistant),
    /// `user`: results of tools, and notes for the model.
    User(User),
    /// `result`: the end of a turn.
    Result(Box<TurnResult>),
    /// `control_request`: a request of the program.
    Ask(Box<Ask>),
    /// `control_cancel_request`: a request of the program is taken back.
    Withdrawn {
        /// Id of the request.
        request_id: String,
    },
    /// `control_response`: the answer to a request of ours.
    Reply(Reply),
    /// `command_lifecycle`: news of a prompt.
    Lifecycle(CommandLifecycle),
    /// Somebody has prompted in this session, here or elsewhere.
    Prompted(Prompted),
    /// A message of a known type that cannot be read.
    Unreadable(Unreadable),
    /// A message of an unknown type.
    Other,
}

/// `command_lifecycle`.
#[derive(Debug, Deserialize)]
pub(crate) struct CommandLifecycle {
    /// The `uuid` that the prompt was sent with.
    pub(crate) command_uuid: String,
    /// `queued`, `started`, `completed`, `cancelled`.
    pub(crate) state: String,
}

/// A prompt that stands in the transcript. The program itself says nothing like it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prompted {
    /// The program's name of it.
    pub(crate) uuid: String,
    /// Its first line.
    pub(crate) text: String,
}

impl Prompted {
    /// The kind of its message.
    const KIND: &str = "acp-harness/prompted";

    /// The prompt as a message.
    pub(crate) fn message(&self) -> Option<RawBuf> {
        #[derive(Serialize)]
        struct Message<'a> {
            r#type: &'static str,
            #[serde(flatten)]
            prompted: &'a Prompted,
        }
        RawBuf::encode(&Message { r#type: Self::KIND, prompted: self }).ok()
    }
}

impl Message {
    /// Reads one line.
    pub(crate) fn read(line: Raw<'_>) -> Self {
        let kind = line.member("type").and_then(Raw::as_string).unwrap_or_default();
        let read = match kind.as_ref() {
            "system" => line.decode().map(Self::System),
            "stream_event" => line.decode().map(Self::Stream),
            "assistant" => line.decode().map(Self::Assistant),
            "user" => line.decode().map(Self::User),
            "result" => line.decode().map(|result| Self::Result(Box::new(result))),
            "control_request" => line.decode().map(|ask| Self::Ask(Box::new(ask))),
            "control_response" => line.decode().map(|reply: Envelope| Self::Reply(reply.response)),
            "control_cancel_request" => {
                line.decode().map(|it: Withdrawn| Self::Withdrawn { request_id: it.request_id })
            }
            "command_lifecycle" => line.decode().map(Self::Lifecycle),
            Prompted::KIND => line.decode().map(Self::Prompted),
            "" => return Self::Unreadable(Unreadable::line(line)),
            LINE => return Self::Unreadable(Unreadable::no_json(line)),
            _ => Ok(Self::Other),
        };
        read.unwrap_or_else(|error| Self::Unreadable(Unreadable::of(&kind, line, &error)))
    }
}

#[cfg(test)]
mod tests;
