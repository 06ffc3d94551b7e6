//! Requests of any API.

use serde_json::Value;

use super::book::Found;
use super::ids::Ids;
use super::script::{Api, End, Part, Script, Status};
use super::steps::ModelAnswer;
use super::turn::{SideCall, Turn};
use super::{anthropic, gemini, openai};

/// A request for a model's response.
#[derive(Debug)]
pub(super) enum Request {
    OpenAi(openai::Request),
    Anthropic(anthropic::Request),
    Gemini(gemini::Request),
}

impl Request {
    /// Reads a body that was sent to this path; the error is for the client.
    pub(super) fn read(api: Api, path: &str, body: &Value) -> Result<Self, String> {
        match api {
            Api::OpenAi => openai::Request::read(body).map(Self::OpenAi),
            Api::Anthropic => anthropic::Request::read(body).map(Self::Anthropic),
            Api::Gemini => gemini::Request::read(path, body).map(Self::Gemini),
        }
    }

    pub(super) const fn turn(&self) -> &Turn {
        match self {
            Self::OpenAi(request) => &request.turn,
            Self::Anthropic(request) => &request.turn,
            Self::Gemini(request) => &request.turn,
        }
    }

    /// The response to what the book found.
    pub(super) fn answer(&self, found: &Found, script: &Script, ids: &mut Ids) -> ModelAnswer {
        let api = self.turn().api;
        match found {
            Found::Side(side) => {
                self.render(&[Part::Say([side_text(api, *side, script).as_str()].into())], script, ids)
            }
            Found::Reply { reply: Some(reply), .. } => self.render(reply, script, ids),
            Found::Reply { reply: None, .. } => self.render(&[Part::Say(["(end of script)"].into())], script, ids),
            Found::Nothing if self.turn().users.is_empty() => {
                self.render(&[Part::Say(["(no prompt)"].into())], script, ids)
            }
            Found::Nothing => self.render(&[Part::End(End::Status(self.no_entry()))], script, ids),
        }
    }

    fn render(&self, reply: &[Part], script: &Script, ids: &mut Ids) -> ModelAnswer {
        match self {
            Self::OpenAi(request) => openai::render(reply, request, script.usage, ids),
            Self::Anthropic(request) => anthropic::render(reply, request, script.usage, ids),
            Self::Gemini(request) => gemini::render(reply, request, script.usage, ids),
        }
    }

    fn no_entry(&self) -> Status {
        let newest = self.turn().users.last().map_or("", String::as_str);
        let start: String = newest.chars().take(200).collect();
        Status {
            code: 400,
            retry_after: None,
            error_type: None,
            message: Some(format!("no [[prompt]] of the script matches {start:?}; add one, or one with match = \"*\"")),
        }
    }
}

fn side_text(api: Api, side: SideCall, script: &Script) -> String {
    match (side, api) {
        (SideCall::Title, _) => serde_json::json!({ "title": script.side.title }).to_string(),
        (SideCall::Review, _) => openai::review(script.side.review).to_string(),
        (SideCall::Summary, Api::OpenAi | Api::Gemini) => script.side.summary.clone(),
        (SideCall::Summary, Api::Anthropic) => anthropic::summary(&script.side.summary),
        (SideCall::Text, _) => script.side.text.clone(),
    }
}
