//! The request to open a session, checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use acp_types::v1::{self, McpServer};
use serde_json::{Map, Value, json};

use super::servers::{self, Named, Servers};
use crate::adapter::Open;
use crate::codex::launch;
use crate::failure::{Failure, FailureKind};
use crate::system_prompt::SystemPrompt;

/// A request to open a session.
#[derive(Debug)]
pub(crate) struct Request {
    pub(super) kind: Kind,
    pub(super) cwd: PathBuf,
    roots: Vec<PathBuf>,
    servers: Servers,
    prompt: Option<SystemPrompt>,
    plans: bool,
    /// The mode that a new session begins in, if somebody asked for one.
    pub(super) mode: Option<String>,
}

#[derive(Debug)]
pub(super) enum Kind {
    New,
    Load(String),
    Resume(String),
    Fork(String),
}

impl Request {
    /// Checks it.
    ///
    /// # Errors
    /// When it asks for something that cannot be; the failure says what.
    pub(crate) fn new(how: Open) -> Result<Self, Failure> {
        macro_rules! take {
            ($request:expr, $kind:expr) => {{
                let request = $request;
                let kind = $kind(&request);
                let meta = request.meta.as_ref();
                Self {
                    kind,
                    prompt: SystemPrompt::read(request.system_prompt.as_ref(), meta)?,
                    servers: servers(&request.mcp_servers)?,
                    cwd: directory(request.cwd)?,
                    roots: request.additional_directories.into_iter().map(directory).collect::<Result<_, _>>()?,
                    plans: false,
                    mode: None,
                }
            }};
        }
        Ok(match how {
            Open::New(request) => take!(request, |_: &v1::NewSessionRequest| Kind::New),
            Open::Load(request) => {
                take!(request, |of: &v1::LoadSessionRequest| Kind::Load(of.session_id.0.to_string()))
            }
            Open::Resume(request) => {
                take!(request, |of: &v1::ResumeSessionRequest| Kind::Resume(of.session_id.0.to_string()))
            }
            Open::Fork(request) => {
                take!(request, |of: &v1::ForkSessionRequest| Kind::Fork(of.session_id.0.to_string()))
            }
        })
    }

    /// True if the model can make plans.
    pub(crate) fn plans(mut self, plans: bool) -> Self {
        self.plans = plans;
        self
    }

    /// The mode that a new session begins in.
    pub(crate) fn mode(mut self, mode: Option<String>) -> Self {
        self.mode = mode;
        self
    }

    /// Further directories that it may write in.
    pub(super) fn roots(&self) -> Vec<String> {
        self.roots.iter().map(|root| root.display().to_string()).collect()
    }

    /// The client's MCP servers, each under a name of its own beside those that the user has configured.
    pub(super) fn servers(&self, configured: &BTreeMap<String, Value>) -> Result<Named, Failure> {
        servers::named(&self.servers, configured)
    }

    /// The parameters that all ways of opening have in common.
    pub(super) fn params(&self, servers: &Named) -> Value {
        let mut params = json!({ "cwd": self.cwd });
        if !self.roots.is_empty() {
            // For permission profiles, which name no directories.
            params["runtimeWorkspaceRoots"] =
                std::iter::once(&self.cwd).chain(&self.roots).map(|root| json!(root)).collect();
        }
        // A session that is closed is let go of at once, and its MCP servers with it, rather than in a minute.
        let mut config = Map::from_iter([("thread_unload_delay_secs".to_owned(), 0.into())]);
        if self.plans {
            config.insert(launch::PLANS.to_owned(), true.into());
        }
        if !servers.config.is_empty() {
            config.insert("mcp_servers".to_owned(), servers.config.clone().into());
        }
        params["config"] = config.into();
        match &self.prompt {
            Some(SystemPrompt::Replace(text)) => params["baseInstructions"] = text.clone().into(),
            Some(SystemPrompt::Append(text)) => params["developerInstructions"] = text.clone().into(),
            None => {}
        }
        params
    }
}

fn invalid(message: String) -> Failure {
    Failure::new(FailureKind::InvalidParams, message)
}

/// Codex takes any directory, also one that is not there.
fn directory(path: PathBuf) -> Result<PathBuf, Failure> {
    if !path.is_absolute() {
        return Err(invalid(format!("{} is no absolute path: give the whole path", path.display())));
    }
    if !Path::is_dir(&path) {
        return Err(invalid(format!("{} is no directory: create it, or give another one", path.display())));
    }
    Ok(path)
}

/// The servers as Codex's configuration has them. They go through the pipe to Codex, never over a command line.
fn servers(servers: &[McpServer]) -> Result<Servers, Failure> {
    let config = servers.iter().map(|server| {
        let (name, server) = match server {
            McpServer::Stdio(server) => {
                let env: Map<_, _> =
                    server.env.iter().map(|entry| (entry.name.clone(), entry.value.clone().into())).collect();
                (&server.name, json!({ "command": server.command, "args": server.args, "env": env }))
            }
            McpServer::Http(server) => {
                let headers: Map<_, _> =
                    server.headers.iter().map(|header| (header.name.clone(), header.value.clone().into())).collect();
                (&server.name, json!({ "url": server.url, "http_headers": headers }))
            }
            _ => return Err(invalid("Codex takes MCP servers over stdio and HTTP: leave the others out".to_owned())),
        };
        Ok((name.clone(), server))
    });
    config.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_that_cannot_be_are_named() {
        for (path, expected) in [("relative", "no absolute path"), ("/nowhere/at/all", "no directory")] {
            let failure = Request::new(Open::New(v1::NewSessionRequest::new(path))).expect_err(path);
            assert_eq!(failure.kind, FailureKind::InvalidParams);
            assert!(failure.message.contains(path) && failure.message.contains(expected), "{failure}");
        }
    }

    #[test]
    fn servers_keep_their_secrets_in_the_configuration() {
        let mut server = v1::McpServerStdio::new("my server", "/bin/server");
        server.env.push(v1::EnvVariable::new("KEY", "test-key"));
        let mut http = v1::McpServerHttp::new("web", "http://127.0.0.1:1/mcp");
        http.headers.push(v1::HttpHeader::new("authorization", "Bearer test-key"));
        let request =
            v1::NewSessionRequest::new("/").mcp_servers(vec![McpServer::Stdio(server), McpServer::Http(http)]);
        let request = Request::new(Open::New(request)).expect("a request");
        let params = request.params(&request.servers(&BTreeMap::new()).expect("names"));
        let servers = &params["config"]["mcp_servers"];
        assert_eq!(servers["my_server"]["env"]["KEY"], "test-key");
        assert_eq!(servers["web"]["http_headers"]["authorization"], "Bearer test-key");
    }

    #[test]
    fn system_prompts_replace_or_append() {
        for (given, expected) in [
            (json!("be brief"), json!({ "baseInstructions": "be brief" })),
            (json!({ "append": "be brief" }), json!({ "developerInstructions": "be brief" })),
        ] {
            let request = v1::NewSessionRequest::new("/").meta(Map::from_iter([("systemPrompt".to_owned(), given)]));
            let params = Request::new(Open::New(request)).expect("a request").params(&Named::default());
            for (key, value) in expected.as_object().expect("an object") {
                assert_eq!(&params[key], value);
            }
        }
    }
}
