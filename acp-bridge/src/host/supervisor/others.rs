//! Other members of the log as this host knows them, and the clients that are there as long as their gateway is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acp_types::SessionId;

use crate::host::envelope::Envelope;
use crate::log::{MemberId, Renewal, Role};
use crate::session::Command;

/// Controllers that are remembered with their gateway. Of more than that it is not known when their gateway goes.
const MAX_CONTROLLERS: usize = 65_536;

/// Members that were there when this host renewed its lease last.
#[derive(Debug, Default)]
pub(super) struct Others {
    hosts: BTreeSet<MemberId>,
    /// Controllers that have come, by gateway.
    present: BTreeMap<MemberId, BTreeSet<(SessionId, Arc<str>)>>,
}

/// Members that have gone since.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Gone {
    /// A host has, and perhaps left turns open.
    pub(super) hosts: bool,
    /// These controllers, with their gateway.
    pub(super) controllers: Vec<(SessionId, Arc<str>)>,
}

impl Others {
    /// A command passes by: it may say that a controller has come, or has gone.
    pub(super) fn note(&mut self, envelope: &Envelope) {
        let (Command::SetPresence { present }, Some(session)) = (&envelope.command, &envelope.session) else { return };
        self.attends(&envelope.from, session, &envelope.client, *present);
    }

    fn attends(&mut self, gateway: &MemberId, session: &SessionId, client: &Arc<str>, present: bool) {
        let controller = (session.clone(), Arc::clone(client));
        if !present {
            if let Some(of_gateway) = self.present.get_mut(gateway) {
                of_gateway.remove(&controller);
                if of_gateway.is_empty() {
                    self.present.remove(gateway);
                }
            }
        } else if self.present.values().map(BTreeSet::len).sum::<usize>() < MAX_CONTROLLERS {
            self.present.entry(gateway.clone()).or_default().insert(controller);
        } else {
            tracing::warn!(%gateway, "{MAX_CONTROLLERS} clients are there already; this one counts until it says that it goes");
        }
    }

    /// Takes in who is there now.
    pub(super) fn renewed(&mut self, renewal: &Renewal) -> Gone {
        let of =
            |role| renewal.members.iter().filter(move |member| member.role == role).map(|member| member.id.clone());
        let before = std::mem::replace(&mut self.hosts, of(Role::Host).collect());
        let there: BTreeSet<_> = of(Role::Gateway).collect();
        let (present, gone) =
            std::mem::take(&mut self.present).into_iter().partition(|(gateway, _)| there.contains(gateway));
        self.present = present;
        let gone: BTreeMap<MemberId, BTreeSet<(SessionId, Arc<str>)>> = gone;
        let controllers = gone.into_values().flatten().collect();
        Gone { hosts: before.iter().any(|host| !self.hosts.contains(host)), controllers }
    }
}

#[cfg(test)]
mod tests {
    use super::{Gone, Others};
    use crate::log::{Member, Renewal, Role};

    fn there(members: &[(&str, Role)]) -> Renewal {
        let members = members.iter().map(|(id, role)| Member { id: (*id).into(), role: *role }).collect();
        Renewal { members, ..Renewal::default() }
    }

    #[test]
    fn that_a_host_has_gone_is_told_once() {
        let mut others = Others::default();
        let both = [("h", Role::Host), ("i", Role::Host)];
        assert_eq!(others.renewed(&there(&both)), Gone::default());
        assert_eq!(others.renewed(&there(&both[..1])), Gone { hosts: true, controllers: Vec::new() });
        assert_eq!(others.renewed(&there(&both[..1])), Gone::default());
    }

    #[test]
    fn controllers_go_with_their_gateway_unless_they_went_before() {
        let mut others = Others::default();
        let both = [("f", Role::Gateway), ("g", Role::Gateway)];
        for (gateway, client) in [("f", "1"), ("g", "2"), ("g", "3")] {
            others.attends(&gateway.into(), &"s".into(), &client.into(), true);
        }
        others.attends(&"g".into(), &"s".into(), &"3".into(), false);
        assert_eq!(others.renewed(&there(&both)), Gone::default());
        let controllers = vec![("s".into(), "2".into())];
        assert_eq!(others.renewed(&there(&both[..1])), Gone { hosts: false, controllers });
        assert_eq!(others.renewed(&there(&both[..1])), Gone::default());
    }
}
