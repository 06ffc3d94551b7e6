//! List of sessions.

use acp_types::SessionId;

use super::{Caller, Invalid, Operation, Principal, ServiceError, SessionService, Sessions};
use crate::log::{ListQuery, SessionInfo};

/// Sessions looked through at a time for those of a principal that may not see all.
const LOOK_THROUGH: usize = 1000;

impl SessionService {
    /// The sessions of the caller that a query asks for; those of others are left out.
    pub(crate) async fn list(&self, caller: &Caller, query: ListQuery) -> Result<Vec<SessionInfo>, ServiceError> {
        let principal = caller.principal();
        principal.may(Operation::List)?;
        if let Some(after) = &query.after {
            let found = self.log.get(after).await.map_err(|error| ServiceError::log(after, error))?;
            if found.is_none() || !principal.sessions.has(after) {
                return Err(Invalid::Cursor.into());
            }
        }
        match &principal.sessions {
            Sessions::All => self.log.list(query).await.map_err(ServiceError::List),
            Sessions::Only(these) => self.list_some(principal, these.len(), query).await,
        }
    }

    /// Lists as many as the query asks for, and never more than there can be.
    async fn list_some(
        &self,
        principal: &Principal,
        count: usize,
        query: ListQuery,
    ) -> Result<Vec<SessionInfo>, ServiceError> {
        let wanted = if query.limit == 0 { 100 } else { query.limit }.min(count);
        let mut next = ListQuery { limit: LOOK_THROUGH, ..query };
        let mut found = Vec::new();
        while found.len() < wanted {
            let page = self.log.list(next.clone()).await.map_err(ServiceError::List)?;
            let Some(last) = page.last() else { break };
            next.after = Some(last.id.clone());
            let is_last = page.len() < LOOK_THROUGH;
            found.extend(page.into_iter().filter(|info| principal.sessions.has(&info.id)));
            if is_last {
                break;
            }
        }
        found.truncate(wanted);
        Ok(found)
    }

    /// Entry of a session that the caller has been found to be allowed to ask about.
    pub(super) async fn info(&self, session: &SessionId) -> Result<SessionInfo, ServiceError> {
        let info = self.log.get(session).await.map_err(|error| ServiceError::log(session, error))?;
        info.ok_or_else(|| ServiceError::NoSession { session: session.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use acp_types::record::{Kind, Origin, Record};
    use acp_types::{RawBuf, SessionId};

    use crate::command::Commander;
    use crate::log::{ListQuery, LogWriter, Member, MemoryLog, Role as MemberRole, Signals};
    use crate::service::follower::{Followers, LookedFor};
    use crate::service::{Caller, Invalid, Principal, Role, ServiceError, SessionService, Sessions};

    async fn log_of(count: usize) -> Arc<MemoryLog> {
        let log = Arc::new(MemoryLog::new());
        let host = Member { id: "host".into(), role: MemberRole::Host };
        log.renew(&host, Duration::from_secs(60)).await.unwrap();
        for number in 1..=count {
            let body = r#"{"cwd":"/w","params":{},"initialize":{}}"#;
            let record = Record {
                seq: 1,
                at: number as u64,
                epoch: 1,
                lane: Record::MAIN_LANE.into(),
                origin: Origin::Host,
                kind: Kind::SessionCreated,
                turn: None,
                position: None,
                body: RawBuf::parse(body).unwrap(),
            };
            log.create(&SessionId::from(format!("s{number}")), &host.id, vec![Arc::new(record)]).await.unwrap();
        }
        log
    }

    async fn service_of(count: usize) -> SessionService {
        let log = log_of(count).await;
        let commander = Commander::new(Arc::clone(&log) as _, crate::vault::shared(), "g".into());
        let followers = Followers::new(Arc::clone(&log) as _, LookedFor::default());
        SessionService::new(log, commander, followers)
    }

    #[tokio::test]
    async fn pages_of_some_sessions_are_full_in_order_and_name_no_other() {
        let service = service_of(30).await;
        let mine: Vec<String> = (1..=30).step_by(3).map(|number| format!("s{number}")).collect();
        let principal = Principal::new("p", Role::Observer, Sessions::only(mine.iter().map(String::as_str)));
        let caller = Caller::new(Arc::new(principal), "c".into());
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let query = ListQuery { cwd: None, after: after.take(), limit: 4 };
            let page = service.list(&caller, query).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            assert!(page.len() == 4 || seen.len() + page.len() == mine.len());
            seen.extend(page.into_iter().map(|info| info.id.to_string()));
        }
        assert_eq!(seen, mine.into_iter().rev().collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_cursor_of_somebody_else_is_like_one_that_names_nothing() {
        let service = service_of(2).await;
        let principal = Principal::new("p", Role::Admin, Sessions::only(["s1"]));
        let caller = Caller::new(Arc::new(principal), "c".into());
        for after in ["s2", "s3"] {
            let query = ListQuery { after: Some(after.into()), ..ListQuery::default() };
            let refused = service.list(&caller, query).await.unwrap_err();
            assert!(matches!(refused, ServiceError::Invalid(Invalid::Cursor)), "{after}: {refused}");
        }
    }
}
