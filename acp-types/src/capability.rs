//! Capabilities as `initialize` carries them in version 1: the names of the members, and who offers what.

use crate::Raw;
use crate::method::v1;

/// Member of `initialize` params: all that the client offers.
pub const CLIENT: &str = "clientCapabilities";

/// Member of an `initialize` result: all that the agent can do.
pub const AGENT: &str = "agentCapabilities";

/// Member of [`AGENT`]: all that the agent can do with sessions, apart from [`LOAD_SESSION`].
pub const SESSION: &str = "sessionCapabilities";

/// Member of [`AGENT`]: the agent loads sessions.
pub const LOAD_SESSION: &str = "loadSession";

/// Extension under `_meta`. In [`CLIENT`]: the client shows the output of commands that an agent streams. In an update of a
/// tool call: such output.
pub const TERMINAL_OUTPUT: &str = "terminal_output";

/// Member of [`CLIENT`]: the client understands child sessions, which agents then announce with [`SUBAGENT_UPDATE`].
pub const SUBAGENTS: &str = "subagents";

/// Kind of a `session/update` that announces a child session, or says something else of it.
pub const SUBAGENT_UPDATE: &str = "subagent_update";

const READ_TEXT_FILE: &str = "readTextFile";
const WRITE_TEXT_FILE: &str = "writeTextFile";

/// Services of a client that an agent may use only if the client offers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientService {
    /// Reading and writing files: `fs/*`.
    Files,
    /// Running commands: `terminal/*`.
    Terminals,
}

impl ClientService {
    /// The service that a method belongs to; `None` for a method that needs no offer.
    #[must_use]
    pub fn of(method: &str) -> Option<Self> {
        match method.split_once('/')?.0 {
            "fs" => Some(Self::Files),
            "terminal" => Some(Self::Terminals),
            _ => None,
        }
    }

    /// Member of [`CLIENT`] that offers the service.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::Files => "fs",
            Self::Terminals => "terminal",
        }
    }

    /// Value of the member that offers the whole service.
    #[must_use]
    pub const fn whole(self) -> Raw<'static> {
        match self {
            Self::Files => Raw::trusted(r#"{"readTextFile":true,"writeTextFile":true}"#),
            Self::Terminals => Raw::trusted("true"),
        }
    }
}

/// Whether a client with these `initialize` params answers this request of an agent. Only files and commands need an offer.
#[must_use]
pub fn client_answers(initialize: Raw<'_>, method: &str) -> bool {
    let Some(service) = ClientService::of(method) else { return true };
    let offered = |path: &[&str]| initialize.path(path).is_some_and(|value| value.as_str() == "true");
    match (service, method) {
        (ClientService::Files, v1::ReadTextFile::NAME) => offered(&[CLIENT, service.member(), READ_TEXT_FILE]),
        (ClientService::Files, v1::WriteTextFile::NAME) => offered(&[CLIENT, service.member(), WRITE_TEXT_FILE]),
        (ClientService::Files, _) => false,
        (ClientService::Terminals, _) => offered(&[CLIENT, service.member()]),
    }
}

/// Ways of an agent to go back to a session that it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Return {
    /// `session/load`, with a replay of the conversation.
    Load,
    /// `session/resume`, without one.
    Resume,
}

impl Return {
    /// The best way that an agent with this `initialize` result offers: the one without a replay.
    #[must_use]
    pub fn best(initialize: Raw<'_>) -> Option<Self> {
        let offers = |path: &[&str]| {
            let said = initialize.member(AGENT).and_then(|agent| agent.path(path));
            said.is_some_and(|said| !matches!(said.as_str(), "null" | "false"))
        };
        if offers(&[SESSION, "resume"]) {
            Some(Self::Resume)
        } else if offers(&[LOAD_SESSION]) {
            Some(Self::Load)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_answers_what_it_offers_and_all_that_needs_no_offer() {
        let client = Raw::parse(r#"{"clientCapabilities":{"fs":{"readTextFile":true},"terminal":false}}"#).unwrap();
        for (method, wanted) in [
            ("fs/read_text_file", true),
            ("fs/write_text_file", false),
            ("fs/other", false),
            ("terminal/create", false),
            ("elicitation/create", true),
            ("_fs/own", true),
        ] {
            assert_eq!(client_answers(client, method), wanted, "{method}");
        }
    }

    #[test]
    fn a_whole_service_answers_all_its_methods() {
        for (service, methods) in [
            (ClientService::Files, ["fs/read_text_file", "fs/write_text_file"]),
            (ClientService::Terminals, ["terminal/create", "terminal/output"]),
        ] {
            let text = format!(r#"{{"{CLIENT}":{{"{}":{}}}}}"#, service.member(), service.whole());
            for method in methods {
                assert_eq!(ClientService::of(method), Some(service));
                assert!(client_answers(Raw::parse(&text).unwrap(), method), "{method}");
            }
        }
    }

    #[test]
    fn an_agent_that_can_resume_is_not_made_to_replay() {
        for (said, wanted) in [
            ("{}", None),
            ("7", None),
            (r#"{"loadSession":true}"#, Some(Return::Load)),
            (r#"{"loadSession":false,"sessionCapabilities":{"resume":null}}"#, None),
            (r#"{"loadSession":true,"sessionCapabilities":{"resume":{}}}"#, Some(Return::Resume)),
        ] {
            let text = format!(r#"{{"agentCapabilities":{said}}}"#);
            assert_eq!(Return::best(Raw::parse(&text).unwrap()), wanted, "{said}");
        }
    }
}
