//! Version 1 of ACP.
//!
//! | File | Is |
//! |---|---|
//! | `client` | one client, and what it said of itself |
//! | `methods` | the table of requests that are served: method, operation, reader |
//! | `params`, `request`, `notification` | from messages to what is asked for |
//! | `response`, `news`, `error` | from what came of it to what is written |
//! | `capabilities` | the answer to `initialize` |
//! | `turn`, `queue`, `members` | ends of turns, prompts that wait, who is there |
//! | `screen` | one client's view of one session: which updates, in which form |
//! | `client_capabilities`, `notice`, `terminals`, `replay` | what decides that: kinds that need to be offered, notices, output of commands for clients that show no terminals, chunks of one message as one |
//! | `children`, `session_terminals` | child sessions: for clients that understand them, and for others; the terminals of each |
//! | `frames` | the bytes of updates |
//! | `calls` | params and answers of ACP, from what callers of the session API say |

pub(crate) mod calls;
mod capabilities;
mod children;
mod client;
mod client_capabilities;
mod error;
mod frames;
mod members;
mod methods;
mod news;
mod notice;
mod notification;
mod params;
mod queue;
mod replay;
mod request;
mod response;
mod screen;
mod session_terminals;
mod terminals;
mod turn;

pub(crate) use self::client::Client;
pub(crate) use self::error::refuse;
pub(crate) use self::news::tell;
#[cfg(test)]
pub(crate) use self::notice::{as_thought, is_notice};
pub(crate) use self::notification::answer_of;
pub(crate) use self::response::respond;
pub(crate) use self::screen::{Earlier, Screen, is_of_message};
pub(crate) use self::terminals::{LOOK_BACK, names_terminal as may_matter_later};
pub(crate) use self::turn::ended as turn_ended;
