//! Decoding of requests: what is wanted, by their params.

use std::path::PathBuf;

use acp_types::method::{Request as _, v1 as methods};
use acp_types::v1::{
    CreateTerminalRequest, KillTerminalRequest, ReadTextFileRequest, ReleaseTerminalRequest, TerminalOutputRequest,
    WaitForTerminalExitRequest, WriteTextFileRequest,
};
use acp_types::{Raw, v1};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;

/// Request of an agent.
#[derive(Debug)]
pub(super) enum Wanted {
    Read { path: PathBuf, line: Option<u32>, limit: Option<u32> },
    Write { path: PathBuf, text: String },
    Create(Box<CreateTerminalRequest>),
    Output(v1::TerminalId),
    Wait(v1::TerminalId),
    Kill(v1::TerminalId),
    Release(v1::TerminalId),
}

const READ: &str = methods::ReadTextFile::METHOD.name;
const WRITE: &str = methods::WriteTextFile::METHOD.name;
const CREATE: &str = methods::CreateTerminal::METHOD.name;
const OUTPUT: &str = methods::TerminalOutput::METHOD.name;
const WAIT: &str = methods::WaitForTerminalExit::METHOD.name;
const KILL: &str = methods::KillTerminal::METHOD.name;
const RELEASE: &str = methods::ReleaseTerminal::METHOD.name;

/// Reads a request of an agent that knows its session as `session`.
pub(super) fn wanted(method: &str, params: Raw<'_>, session: &str) -> Result<Wanted, Refusal> {
    let wanted = match method {
        READ => {
            let ReadTextFileRequest { path, line, limit, .. } = decode(params)?;
            if line == Some(0) {
                return Err(Refusal::Params("`line` counts from 1".to_owned()));
            }
            Wanted::Read { path, line, limit }
        }
        WRITE => {
            let WriteTextFileRequest { path, content, .. } = decode(params)?;
            Wanted::Write { path, text: content }
        }
        CREATE => {
            let request: CreateTerminalRequest = decode(params)?;
            if request.command.is_empty() {
                return Err(Refusal::Params("`command` is empty; name a program".to_owned()));
            }
            Wanted::Create(Box::new(request))
        }
        OUTPUT => Wanted::Output(decode::<TerminalOutputRequest>(params)?.terminal_id),
        WAIT => Wanted::Wait(decode::<WaitForTerminalExitRequest>(params)?.terminal_id),
        KILL => Wanted::Kill(decode::<KillTerminalRequest>(params)?.terminal_id),
        RELEASE => Wanted::Release(decode::<ReleaseTerminalRequest>(params)?.terminal_id),
        other => return Err(Refusal::Method(other.to_owned())),
    };
    let named = params.member("sessionId").and_then(Raw::as_string).unwrap_or_default();
    if named != session {
        return Err(Refusal::Params(format!("there is no session {named} on this connection")));
    }
    Ok(wanted)
}

fn decode<T: DeserializeOwned>(params: Raw<'_>) -> Result<T, Refusal> {
    params.decode().map_err(|error| Refusal::Params(format!("the params do not fit the method: {error}")))
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::{Wanted, wanted};

    fn refused(method: &str, params: &str) -> String {
        wanted(method, Raw::parse(params).unwrap(), "s").unwrap_err().to_string()
    }

    #[test]
    fn a_request_is_read_for_the_session_of_the_connection_only() {
        let params = r#"{"sessionId":"s","path":"/a","line":2,"_meta":{"x":1}}"#;
        let read = wanted("fs/read_text_file", Raw::parse(params).unwrap(), "s").unwrap();
        assert!(matches!(read, Wanted::Read { line: Some(2), limit: None, .. }));
        assert!(refused("fs/read_text_file", r#"{"sessionId":"t","path":"/a"}"#).contains("no session t"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_reason() {
        assert!(refused("fs/read_text_file", r#"{"sessionId":"s","path":"/a","line":0}"#).contains("counts from 1"));
        assert!(refused("fs/write_text_file", r#"{"sessionId":"s","path":"/a"}"#).contains("content"));
        assert!(refused("terminal/create", r#"{"sessionId":"s","command":""}"#).contains("empty"));
        assert!(refused("terminal/resize", r#"{"sessionId":"s"}"#).contains("no method"));
    }
}
