//! The connection to one app-server process, which all sessions share.

mod app_server;
mod began;
mod files;
mod head;
mod lease;
mod misread;
mod pump;
mod router;

pub(super) use app_server::{CallError, Connection};
pub(super) use files::file;
pub(super) use lease::Lease;
