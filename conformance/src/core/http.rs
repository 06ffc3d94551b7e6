//! Requests of an HTTP client, sent by hand.

mod ask;
mod exchange;
mod sender;

pub(crate) use ask::{Ask, CONNECTION, NO_POST, SESSION, delete, get, post};
pub(crate) use exchange::{Exchange, Listener, exchange, listen};
pub(crate) use sender::parts;
