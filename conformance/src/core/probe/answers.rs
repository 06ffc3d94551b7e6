//! Answers of the tester, as a client, to an agent's requests.

use std::path::Path;

use serde_json::{Value, json};

use super::forms::filled;
use super::manners::{Elicit, Permit, error, rich_meta};
use super::{Probe, Stop};
use crate::core::history::{Body, Message};

impl Probe {
    /// Answers a request of the agent. Anything else needs no answer.
    pub(super) async fn serve(&mut self, message: &Message) -> Result<(), Stop> {
        let Body::Request { id, method, params } = &message.body else { return Ok(()) };
        if let Some(host) = &mut self.host {
            let label = host.amiss.then_some("bad/answer");
            return match host.answer(method, params) {
                Some(outcome) => self.reply_as(label, id, outcome).await,
                None => Ok(()),
            };
        }
        let outcome = match method.as_str() {
            "session/request_permission" => match self.permission(params) {
                Some(outcome) => outcome,
                None => return Ok(()),
            },
            "elicitation/create" if !self.capabilities["elicitation"].is_null() => match self.elicitation(params) {
                Some(outcome) => outcome,
                None => return Ok(()),
            },
            "fs/read_text_file" if self.manners.files => read(self.directory(), params),
            "fs/write_text_file" if self.manners.files => write(self.directory(), params).map(|()| self.empty()),
            terminal if self.manners.terminals && terminal.starts_with("terminal/") => {
                let directory = self.directory.path().to_owned();
                self.terminals.serve(&directory, terminal, params).await
            }
            _ => Err(error(-32601, "Method not found")),
        };
        self.reply(id, outcome).await
    }

    /// Answers what was held back, the last first, and holds nothing back any more. How many that were.
    pub(crate) async fn release(&mut self) -> Result<usize, Stop> {
        let held = self.unanswered();
        if let Some(host) = &mut self.host {
            host.hold_all = false;
        }
        for (id, method, params) in held.iter().rev() {
            let outcome = self.host.as_mut().and_then(|host| host.answer(method, params));
            if let Some(outcome) = outcome {
                self.reply(id, outcome).await?;
            }
        }
        Ok(held.len())
    }

    /// Answers a request of the agent under its id.
    pub async fn reply(&mut self, id: &Value, outcome: Result<Value, Value>) -> Result<(), Stop> {
        self.reply_as(None, id, outcome).await
    }

    async fn reply_as(&mut self, label: Option<&str>, id: &Value, outcome: Result<Value, Value>) -> Result<(), Stop> {
        let mut message = json!({ "jsonrpc": "2.0", "id": id });
        match outcome {
            Ok(mut result) => {
                if self.manners.meta && result.is_object() {
                    result["_meta"] = rich_meta();
                }
                message["result"] = result;
            }
            Err(error) => message["error"] = error,
        }
        self.line(label, &message.to_string()).await
    }

    fn empty(&self) -> Value {
        if self.manners.null { Value::Null } else { json!({}) }
    }

    fn permission(&self, params: &Value) -> Option<Result<Value, Value>> {
        let option = |kinds: [&str; 2]| {
            let options = params["options"].as_array().map(Vec::as_slice).unwrap_or_default();
            let of = |kind: &str| options.iter().find(|option| option["kind"] == kind);
            kinds.into_iter().find_map(of).map(|option| option["optionId"].clone())
        };
        let selected = |id: Value| Ok(json!({ "outcome": { "outcome": "selected", "optionId": id } }));
        let cancelled = || Ok(json!({ "outcome": { "outcome": "cancelled" } }));
        Some(match self.manners.permit {
            Permit::Allow => option(["allow_once", "allow_always"]).map_or_else(cancelled, selected),
            Permit::Reject => option(["reject_once", "reject_always"]).map_or_else(cancelled, selected),
            Permit::Cancelled => cancelled(),
            Permit::Error => Err(error(-32603, "the tester refuses to answer")),
            Permit::Strange => Err(error(4711, "the tester refuses to answer")),
            Permit::Unknown => selected(json!("conformance-no-such-option")),
            Permit::Hold => return None,
        })
    }

    fn elicitation(&self, params: &Value) -> Option<Result<Value, Value>> {
        let form = |offered: bool| filled(&params["requestedSchema"], offered);
        Some(match self.manners.elicit {
            // What is no form cannot be filled in.
            Elicit::Accept | Elicit::Wrong | Elicit::Null | Elicit::Bare | Elicit::DeclineFilled
                if params["mode"] != "form" =>
            {
                Ok(json!({ "action": "decline" }))
            }
            Elicit::Accept => Ok(json!({ "action": "accept", "content": form(true) })),
            Elicit::Wrong => Ok(json!({ "action": "accept", "content": form(false) })),
            Elicit::Null => Ok(json!({ "action": "accept", "content": null })),
            Elicit::Bare => Ok(json!({ "action": "accept" })),
            Elicit::Decline => Ok(json!({ "action": "decline" })),
            Elicit::DeclineFilled => Ok(json!({ "action": "decline", "content": form(true) })),
            Elicit::Cancel => Ok(json!({ "action": "cancel" })),
            Elicit::Error => Err(error(-32603, "the tester refuses to answer")),
            Elicit::Hold => return None,
        })
    }
}

/// A file of the scenario's own directory; no other is touched.
fn inside<'p>(directory: &Path, params: &'p Value) -> Result<&'p Path, Value> {
    let path = Path::new(params["path"].as_str().unwrap_or_default());
    let plain = path.components().all(|part| !matches!(part, std::path::Component::ParentDir));
    if plain && path.starts_with(directory) { Ok(path) } else { Err(error(-32002, "Resource not found")) }
}

fn read(directory: &Path, params: &Value) -> Result<Value, Value> {
    let path = inside(directory, params)?;
    let text = std::fs::read_to_string(path).map_err(|_| error(-32002, "Resource not found"))?;
    let from = params["line"].as_u64().map_or(0, |line| line.saturating_sub(1));
    let limit = params["limit"].as_u64().unwrap_or(u64::MAX);
    let lines = text.split_inclusive('\n').skip(usize::try_from(from).unwrap_or(usize::MAX));
    let content: String = lines.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    Ok(json!({ "content": content }))
}

fn write(directory: &Path, params: &Value) -> Result<(), Value> {
    let path = inside(directory, params)?;
    std::fs::write(path, params["content"].as_str().unwrap_or_default())
        .map_err(|failure| error(-32603, &format!("the file cannot be written: {failure}")))
}
