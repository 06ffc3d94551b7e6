//! Servers of what an agent asks of the machine that it runs on.

use acp_types::capability::{self, ClientService};
use acp_types::method::v1;
use acp_types::{Raw, RawBuf, RawKind, rewrite};

use super::declined::Declined;

/// Server of an agent's files, or of its commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody else")]
pub enum Service {
    /// The host, next to the agent: it works with no client attached, and nothing of it is logged.
    #[default]
    Host,
    /// A client that can. The requests wait in the log while none is there, as all requests to clients do.
    Client,
    /// Nobody: the agent is told so.
    Nobody,
}

/// Servers of all that an agent may ask of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Services {
    /// `fs/*`.
    pub files: Service,
    /// `terminal/*`.
    pub terminals: Service,
}

/// First letters of the ids of terminals that the host serves. No client has them.
pub(crate) const HOST_TERMINAL: &str = "acp-bridge-terminal-";

impl Services {
    /// Server of this method; `None` for a method of another kind.
    #[must_use]
    pub fn of(self, method: &str) -> Option<Service> {
        match ClientService::of(method)? {
            ClientService::Files => Some(self.files),
            ClientService::Terminals => Some(self.terminals),
            _ => None,
        }
    }

    /// `initialize` params for an agent, from a client's or from those of an earlier start: what the host serves is
    /// told whatever the client can, and what nobody serves is not. That terminals are shown is always told: an agent then
    /// streams what its commands print, so that the log has it once, and each client gets it in the form that it can show.
    #[must_use]
    pub fn tell(self, initialize: Raw<'_>) -> RawBuf {
        let told = initialize.member(capability::CLIENT).filter(|told| told.kind() == RawKind::Object);
        let told = told.unwrap_or(Raw::EMPTY_OBJECT);
        let told = tell_one(told, ClientService::Files, self.files);
        let told = tell_one(told.as_raw(), ClientService::Terminals, self.terminals);
        let told = rewrite::set_path(told.as_raw(), &["_meta", capability::TERMINAL_OUTPUT], Raw::trusted("true"));
        rewrite::set_member(initialize, capability::CLIENT, told.as_raw())
    }
}

fn tell_one(told: Raw<'_>, what: ClientService, by: Service) -> RawBuf {
    match by {
        Service::Host => rewrite::set_member(told, what.member(), what.whole()),
        Service::Client => told.to_owned(),
        Service::Nobody => rewrite::remove_member(told, what.member()),
    }
}

/// Reason why a request for a client may not be put into the log, where clients find it.
pub(super) fn unfit_for_log(method: &str, params: Raw<'_>) -> Option<Declined> {
    let mut env =
        (method == v1::CreateTerminal::NAME).then(|| params.member("env"))?.into_iter().flat_map(Raw::elements);
    let secret = env.any(|variable| variable.member("value").is_none_or(|value| value.as_str() != "\"\""));
    secret.then_some(Declined::EnvironmentInLog)
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::{Service, Services, unfit_for_log};

    fn told(files: Service, terminals: Service, client: &str) -> String {
        Services { files, terminals }.tell(Raw::parse(client).unwrap()).as_str().to_owned()
    }

    #[test]
    fn the_agent_is_told_what_is_served_whatever_the_client_can() {
        let streams = r#""_meta":{"terminal_output":true}"#;
        let all = format!(r#"{{"fs":{{"readTextFile":true,"writeTextFile":true}},"terminal":true,{streams}}}"#);
        let host = told(Service::Host, Service::Host, r#"{"clientCapabilities":{"fs":{"readTextFile":false}}}"#);
        assert_eq!(host, format!(r#"{{"clientCapabilities":{all}}}"#));
        assert_eq!(told(Service::Host, Service::Host, &host), host, "to tell again changes nothing");
        assert_eq!(told(Service::Host, Service::Host, "{}"), host);
        assert_eq!(told(Service::Client, Service::Client, &host), host);
        let nothing = format!(r#"{{"clientCapabilities":{{{streams}}}}}"#);
        assert_eq!(told(Service::Client, Service::Client, "{}"), nothing);
        assert_eq!(told(Service::Nobody, Service::Nobody, &host), nothing);
        let one = told(Service::Nobody, Service::Host, r#"{"clientCapabilities":{"fs":{},"_x":1e2}}"#);
        assert_eq!(one, format!(r#"{{"clientCapabilities":{{"_x":1e2,"terminal":true,{streams}}}}}"#));
        let theirs = r#"{"clientCapabilities":{"_meta":{"terminal_output":false,"x":1e2}}}"#;
        let kept = r#"{"clientCapabilities":{"_meta":{"terminal_output":true,"x":1e2}}}"#;
        assert_eq!(told(Service::Client, Service::Client, theirs), kept);
    }

    #[test]
    fn values_of_an_environment_do_not_go_into_the_log() {
        let unfit = |params: &str| unfit_for_log("terminal/create", Raw::parse(params).unwrap()).is_some();
        assert!(unfit(r#"{"command":"x","env":[{"name":"A","value":"s"}]}"#));
        assert!(unfit(r#"{"command":"x","env":["A=s"]}"#));
        assert!(!unfit(r#"{"command":"x","env":[]}"#));
        assert!(!unfit(r#"{"command":"x"}"#));
    }
}
