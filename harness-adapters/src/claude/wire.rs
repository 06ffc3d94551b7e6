//! What Claude Code says and hears: the part of stream-json and of its control protocol that is used here.
//!
//! Reading is tolerant: fields that are not known are skipped, and a message of a kind that is not known is
//! [`Message::Other`]. One whose fields are not what they were is [`Message::Unreadable`], with what can be read of it:
//! somebody may wait for it. Nothing that the program says is an error.

pub(crate) mod control;
pub(crate) mod message;
pub(crate) mod result;
pub(crate) mod stream;
pub(crate) mod system;
mod unreadable;

use acp_types::{Raw, RawBuf};
use serde::{Deserialize, Serialize};

pub(crate) use control::{Ask, Control, Permission, Reply};
pub(crate) use message::{Assistant, Block, User};
pub(crate) use result::TurnResult;
pub(crate) use stream::{Event, StreamEvent};
pub(crate) use system::System;
pub(crate) use unreadable::Unreadable;

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
    /// `control_request`: it wants something.
    Ask(Box<Ask>),
    /// `control_cancel_request`: it does not want it any more.
    Withdrawn {
        /// Which.
        request_id: String,
    },
    /// `control_response`: the answer to one of ours.
    Reply(Reply),
    /// `command_lifecycle`: what became of a prompt.
    Lifecycle(Lifecycle),
    /// Somebody has prompted in this session, here or elsewhere.
    Prompted(Prompted),
    /// Something that should be one of these and is not.
    Unreadable(Unreadable),
    /// Something else.
    Other,
}

/// `command_lifecycle`.
#[derive(Debug, Deserialize)]
pub(crate) struct Lifecycle {
    /// The `uuid` that the prompt was sent with.
    pub(crate) command_uuid: String,
    /// `queued`, `started`, `completed`, `cancelled`.
    pub(crate) state: String,
}

/// A prompt that stands in the transcript. The program itself says nothing like it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prompted {
    /// What the program calls it.
    pub(crate) uuid: String,
    /// Its first line.
    pub(crate) text: String,
}

impl Prompted {
    /// The kind of its message.
    const KIND: &str = "acp-harness/prompted";

    /// As a message.
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
            "control_response" => line.decode().map(|reply: control::Envelope| Self::Reply(reply.response)),
            "control_cancel_request" => {
                line.decode().map(|it: control::Withdrawn| Self::Withdrawn { request_id: it.request_id })
            }
            "command_lifecycle" => line.decode().map(Self::Lifecycle),
            Prompted::KIND => line.decode().map(Self::Prompted),
            "" => return Self::Unreadable(Unreadable::line(line)),
            unreadable::LINE => return Self::Unreadable(Unreadable::no_json(line)),
            _ => Ok(Self::Other),
        };
        read.unwrap_or_else(|error| Self::Unreadable(Unreadable::of(&kind, line, &error)))
    }
}

#[cfg(test)]
mod tests;
