//! Real harnesses, driven through the real `acp-harness` by an ACP client, against a scripted model.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod alive;
mod client;
pub(crate) mod family;
mod model;
mod programs;
mod stage;

pub(crate) use alive::Alive;
pub(crate) use client::{Asked, Event, Events, Form};
pub(crate) use model::Model;
pub(crate) use programs::{harness, model_program, official};
pub(crate) use stage::{Harness, Setting, Stage, User};

use std::time::Duration;

/// The longest wait for anything in a test. Harnesses start slowly on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something, but not forever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen within {} s", PATIENCE.as_secs()),
    }
}
