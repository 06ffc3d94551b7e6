//! Validation of whatever is asked for, whichever door it came through. Pure.

use acp_types::meta::Unattended;
use acp_types::record::Turn;
use acp_types::{Raw, RawKind};

/// Bytes of a prompt's key: it is kept in memory as long as its turn is remembered.
pub(crate) const MAX_KEY: usize = 1024;

/// Fault of a request. A door may name the member as its clients know it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("the params must be an object")]
    NotAnObject,
    #[error("`cwd` is missing or not a string")]
    NoCwd,
    #[error("`cwd` is not an absolute path")]
    RelativeCwd,
    #[error("`mcpServers` is not an array")]
    McpServers,
    #[error("`prompt` is missing or not an array of content blocks")]
    Prompt,
    #[error("`key` is longer than {MAX_KEY} bytes: use a shorter one")]
    LongKey,
    #[error("`unattended`: {0}")]
    Policy(String),
    #[error("the cursor names no session: list again without it")]
    Cursor,
    #[error("{0} is no turn of this session: see session_prompt")]
    Turn(Turn),
    #[error("`page` is no `next` of a session_export: leave it out to begin with the first page")]
    Page,
}

impl Invalid {
    /// Member that is missing or wrong.
    pub(crate) fn member(&self) -> &'static str {
        match self {
            Self::NotAnObject => "params",
            Self::NoCwd | Self::RelativeCwd => "cwd",
            Self::McpServers => "mcpServers",
            Self::Prompt => "prompt",
            Self::LongKey => "key",
            Self::Policy(_) => "unattended",
            Self::Cursor => "after",
            Self::Turn(_) => "turn",
            Self::Page => "page",
        }
    }
}

/// Checks a working directory.
pub(crate) fn cwd(cwd: Option<&str>) -> Result<(), Invalid> {
    match cwd {
        Some(cwd) if cwd.starts_with('/') => Ok(()),
        Some(_) => Err(Invalid::RelativeCwd),
        None => Err(Invalid::NoCwd),
    }
}

/// Checks what a session needs to be created or to be come to: an absolute `cwd`, and a list of MCP servers if any.
pub(crate) fn workspace(params: Option<Raw<'_>>) -> Result<(), Invalid> {
    let member = |key| params.and_then(|params| params.member(key));
    cwd(member("cwd").and_then(Raw::as_string).as_deref())?;
    match member("mcpServers").map(Raw::kind) {
        None | Some(RawKind::Array | RawKind::Null) => Ok(()),
        Some(_) => Err(Invalid::McpServers),
    }
}

/// Checks a prompt: it is a list of content.
pub(crate) fn prompt(prompt: Option<Raw<'_>>) -> Result<(), Invalid> {
    if prompt.map(Raw::kind) == Some(RawKind::Array) { Ok(()) } else { Err(Invalid::Prompt) }
}

/// Checks the key of a prompt.
pub(crate) fn key(key: Option<&str>) -> Result<(), Invalid> {
    if key.is_some_and(|key| key.len() > MAX_KEY) { Err(Invalid::LongKey) } else { Ok(()) }
}

/// Reads a policy for permission requests that nobody is there to answer.
pub(crate) fn policy(text: &str) -> Result<Unattended, Invalid> {
    text.parse().map_err(|error: <Unattended as std::str::FromStr>::Err| Invalid::Policy(error.to_string()))
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::{Invalid, MAX_KEY, key, prompt, workspace};

    #[test]
    fn a_workspace_is_an_absolute_directory_with_a_list_of_servers_if_any() {
        let check = |text| workspace(Some(Raw::parse(text).unwrap()));
        for text in [r#"{"cwd":"/"}"#, r#"{"cwd":"/w","mcpServers":[]}"#, r#"{"cwd":"/w","mcpServers":null}"#] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        assert_eq!(workspace(None), Err(Invalid::NoCwd));
        assert_eq!(check("[]"), Err(Invalid::NoCwd));
        assert_eq!(check(r#"{"cwd":1}"#), Err(Invalid::NoCwd));
        assert_eq!(check(r#"{"cwd":"w"}"#), Err(Invalid::RelativeCwd));
        assert_eq!(check(r#"{"cwd":"/","mcpServers":{}}"#), Err(Invalid::McpServers));
    }

    #[test]
    fn prompts_are_lists_and_keys_are_short() {
        assert_eq!(prompt(Some(Raw::EMPTY_ARRAY)), Ok(()));
        assert_eq!((prompt(Some(Raw::EMPTY_OBJECT)), prompt(None)), (Err(Invalid::Prompt), Err(Invalid::Prompt)));
        assert_eq!((key(None), key(Some(&"k".repeat(MAX_KEY)))), (Ok(()), Ok(())));
        assert_eq!(key(Some(&"k".repeat(MAX_KEY + 1))), Err(Invalid::LongKey));
    }
}
