//! Scenarios: what is done to a subject, with the checks that ask about it.

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
    /// Its steps, in one sentence.
    pub about: &'static str,
    /// Does it.
    pub play: for<'a> fn(&'a mut Probe) -> Playing<'a>,
    /// Checks of its history, besides the invariants.
    pub checks: &'static [Check],
}

/// Prefix of the names of all scenarios that are played in version 2, and of no others. A transcript has no more than the
/// name.
const DRAFT: &str = "v2-";

/// The version of the protocol that a scenario of this name is played in.
#[must_use]
pub(crate) fn version_of(name: &str) -> u8 {
    if name.starts_with(DRAFT) { 2 } else { 1 }
}
