//! Admission of an agent's messages: nothing in the bridge's name, and nothing of a session that is not its own.

use std::fmt;

use acp_types::Raw;
use acp_types::meta::reserved;
use acp_types::method::{Notification as _, v1};

use super::super::declined::Declined;
use super::children::{self, Unfit};
use super::transition::Transition;

/// Fault for which a message of an agent is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its method is one of the bridge's own.
    OurMethod,
    /// It is an update of a kind that the bridge makes.
    OurUpdate(&'static str),
    /// It names a session that the agent does not have here, and has not announced.
    ForeignSession,
    /// It says of a child session what is not taken.
    Child(Unfit),
}

impl Fault {
    /// Answer to the agent, if its message was a request.
    pub(super) fn declined(self, method: String) -> Declined {
        let why = self.to_string();
        match self {
            Self::OurMethod => Declined::NotForAgents { method, why },
            Self::OurUpdate(_) | Self::ForeignSession | Self::Child(_) => Declined::NotTaken { method, why },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OurMethod => {
                write!(f, "methods that begin with `{}` are the bridge's own", reserved::METHOD_PREFIX)
            }
            Self::OurUpdate(kind) => write!(f, "updates of the kind `{kind}` are the bridge's own"),
            Self::ForeignSession => {
                f.write_str("it names a session that is not the agent's session on this connection")
            }
            Self::Child(unfit) => unfit.fmt(f),
        }
    }
}

/// Keeps out what a lane's agent may not say, and counts each kind of it: an agent that goes on and on does not fill the
/// bridge's own log.
#[derive(Debug, Default)]
pub(super) struct Admission([u64; 4]);

impl Admission {
    /// Looks for a fault in a message of the agent, which is then not taken.
    pub(super) fn check(&mut self, cx: &Transition<'_>, method: &str, params: Option<Raw<'_>>) -> Option<Fault> {
        let fault = fault(cx, method, params)?;
        if let Some(count) = self.count(fault) {
            let (session, lane) = (cx.session(), cx.lane());
            tracing::warn!(%session, %lane, method, count, reason = %fault, "a message of the agent is not taken");
        }
        Some(fault)
    }

    /// Counts one; how many there have been, if that is to be said: of the first, the tenth, the hundredth and so on.
    fn count(&mut self, fault: Fault) -> Option<u64> {
        let slot = match fault {
            Fault::OurMethod => 0,
            Fault::OurUpdate(_) => 1,
            Fault::ForeignSession => 2,
            Fault::Child(_) => 3,
        };
        let count = &mut self.0[slot];
        *count = count.saturating_add(1);
        10_u64.checked_pow(count.ilog10()).is_some_and(|power| power == *count).then_some(*count)
    }
}

fn fault(cx: &Transition<'_>, method: &str, params: Option<Raw<'_>>) -> Option<Fault> {
    if reserved::is_method(method) {
        return Some(Fault::OurMethod);
    }
    let params = params?;
    if method == v1::SessionUpdate::METHOD.name
        && let Some(kind) = reserved::update_kind(params)
    {
        return Some(Fault::OurUpdate(kind));
    }
    let own = cx.agent_session();
    let mut named = params.members().filter(|(key, _)| key == "sessionId").map(|(_, session)| session.as_string());
    let first = named.next();
    let of = first.as_ref().map(|session| session.as_deref());
    let is_known = of.is_none_or(|of| of.is_some_and(|of| of == own || cx.child(of).is_some()));
    // Whichever of duplicates a reader takes.
    if !is_known || named.any(|session| Some(session.as_deref()) != of) {
        return Some(Fault::ForeignSession);
    }
    if method == v1::SessionUpdate::METHOD.name { children::unfit(cx, params).map(Fault::Child) } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Fault};

    #[test]
    fn a_fault_is_told_of_ever_more_seldom() {
        let mut admission = Admission::default();
        let told: Vec<u64> = (0..1500).filter_map(|_| admission.count(Fault::OurMethod)).collect();
        assert_eq!(told, [1, 10, 100, 1000]);
        assert_eq!(admission.count(Fault::ForeignSession), Some(1), "each kind for itself");
    }
}
