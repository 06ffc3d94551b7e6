//! Version 1 of ACP.
//!
//! | File | Is |
//! |---|---|
//! | `client` | one client, and what it said of itself |
//! | `request` | the table of requests that are served: method, operation, reader |
//! | `params`, `notification` | from other messages to what is asked for |
//! | `response`, `news`, `error` | from what came of it to what is written |
//! | `capabilities` | the answer to `initialize` |
//! | `turn`, `queue`, `members` | news of turns that end, of prompts that wait, of who is there |
//! | `screen` | one client's view of one session: which updates, in which form, and the bytes of their frames |
//! | `client_capabilities`, `notice`, `plan`, `terminals`, `replay` | what decides that: kinds that need to be offered, notices, plans for clients that know one, output of commands for clients that show no terminals, chunks of one message as one |
//! | `calls` | params and answers of ACP, from what callers of the session API say |

pub(crate) mod calls;
mod capabilities;
mod client;
mod client_capabilities;
mod error;
mod members;
mod news;
mod notice;
mod notification;
mod params;
mod plan;
mod queue;
mod replay;
mod request;
mod response;
mod screen;
mod terminals;
mod turn;

pub(crate) use self::client::Client;
#[cfg(test)]
pub(crate) use self::notice::{as_thought, is_notice};
pub(crate) use self::screen::is_of_message;
pub(crate) use self::terminals::{LOOK_BACK, names_terminal as may_matter_later};
pub(crate) use self::turn::ended as turn_ended;
