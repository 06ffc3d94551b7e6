//! What is done to a subject, and the checks that ask what came of it.

use std::future::Future;
use std::pin::Pin;

use crate::core::check::Check;
use crate::core::probe::{Probe, Stop};

/// A scenario as it is played.
pub type Playing<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'a>>;

/// One scenario against an agent.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "written as a constant")]
pub struct Scenario {
    /// Its name; its transcript is called so.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Does it.
    pub play: for<'a> fn(&'a mut Probe) -> Playing<'a>,
    /// What is asked of its history, besides what is asked of every history.
    pub checks: &'static [Check],
}
