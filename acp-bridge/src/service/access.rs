//! Access: whether a principal may have an operation done.

use acp_types::SessionId;

use super::operation::About;
use super::{Operation, Principal, Role};

/// Reason why a principal may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// Role of the principal is too low.
    #[error(
        "this caller has the role {role} and may not {operation}: that needs the role {needs}; connect as one who has it"
    )]
    Role {
        /// Operation that it asked for.
        operation: Operation,
        /// Role of the principal.
        role: Role,
        /// Least role that would do.
        needs: Role,
    },
    /// Limited principal: it is for some sessions, and the operation is not.
    #[error(
        "this caller is limited to some sessions and may not {operation}: that needs access to all sessions; connect as \
         one who has it"
    )]
    Limited {
        /// Operation that it asked for.
        operation: Operation,
    },
    /// Observing client: it has attached to the session as an observer.
    #[error(
        "this client is attached as an observer and may not {operation}: attach as controller (session/attach) first"
    )]
    Observing {
        /// Operation that it asked for.
        operation: Operation,
    },
    /// No session of that name, or none that it may touch: which of the two, it is not told.
    #[error("there is no session {session}: it was deleted, or belongs to another log")]
    NoSession {
        /// Session that it named.
        session: SessionId,
    },
}

impl Principal {
    /// Checks that it may have the operation done anywhere. Says nothing about any session, so that it can be asked
    /// before one is looked for.
    ///
    /// # Errors
    /// When its role is too low, or it is limited to some sessions and the operation is not.
    pub fn may(&self, operation: Operation) -> Result<(), Denied> {
        let rule = operation.rule();
        if self.role < rule.least {
            return Err(Denied::Role { operation, role: self.role, needs: rule.least });
        }
        if rule.about == About::EverySession && !self.sessions.is_all() {
            return Err(Denied::Limited { operation });
        }
        Ok(())
    }

    /// Checks that it may have the operation done in a session.
    ///
    /// # Errors
    /// As [`Self::may`]; and when the session is none of its own.
    pub fn may_in(&self, operation: Operation, session: &SessionId) -> Result<(), Denied> {
        self.may(operation)?;
        if self.sessions.has(session) { Ok(()) } else { Err(Denied::NoSession { session: session.clone() }) }
    }
}

/// Checks that a client which has attached to a session in this role may have the operation done there. Narrows what
/// its principal may, and never widens it.
pub(super) fn attached_as(role: Role, operation: Operation) -> Result<(), Denied> {
    if role >= Role::Controller || operation.rule().while_observing {
        Ok(())
    } else {
        Err(Denied::Observing { operation })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Operation, Principal, Role, Sessions};
    use super::{About, Denied, attached_as};

    #[test]
    fn every_operation_is_refused_to_each_role_below_the_least_and_to_no_other() {
        for &operation in Operation::ALL {
            for role in Role::ALL {
                let may = Principal::new("p", role, Sessions::All).may(operation);
                assert_eq!(may.is_ok(), role >= operation.rule().least, "{operation} by {role}");
            }
        }
    }

    #[test]
    fn a_session_of_somebody_else_does_not_exist_and_what_concerns_all_is_refused() {
        let principal = Principal::new("p", Role::Admin, Sessions::only(["mine"]));
        for &operation in Operation::ALL {
            if operation.rule().about == About::EverySession {
                assert_eq!(principal.may(operation), Err(Denied::Limited { operation }));
                continue;
            }
            assert_eq!(principal.may_in(operation, &"mine".into()), Ok(()), "{operation}");
            let denied = principal.may_in(operation, &"theirs".into());
            assert_eq!(denied, Err(Denied::NoSession { session: "theirs".into() }), "{operation}");
        }
    }

    #[test]
    fn whoever_observes_may_only_come_and_go() {
        let may: Vec<_> =
            Operation::ALL.iter().filter(|&&operation| attached_as(Role::Observer, operation).is_ok()).collect();
        assert_eq!(may, [&Operation::Observe, &Operation::Leave, &Operation::Attach]);
        assert!(Operation::ALL.iter().all(|&operation| attached_as(Role::Controller, operation).is_ok()));
    }
}
