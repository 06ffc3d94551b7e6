//! Questions with forms.

use std::collections::BTreeMap;

use acp_types::v1::{
    CreateElicitationRequest, CreateElicitationResponse, ElicitationAction, ElicitationContentValue,
    ElicitationFormMode, ElicitationSchema, ElicitationSessionScope, EnumOption, StringPropertySchema,
};
use serde_json::{Value, json};

use crate::codex::wire::{ElicitationAsk, ElicitationMode, Question, QuestionsAsk};

/// Suffix of a question's name for an answer that is not among its options.
const OTHER: &str = "_other";

/// Form of the answers for Codex.
#[derive(Debug)]
pub(super) enum Form {
    /// The answers go to an MCP server, unchanged.
    Elicitation,
    /// The answers go to questions with these names.
    Questions(Vec<String>),
}

type Content = BTreeMap<String, ElicitationContentValue>;

impl Form {
    /// A form of an MCP server. Without a request if clients have nothing for it.
    pub(super) fn elicited(ask: ElicitationAsk, session: &str) -> (Self, Option<CreateElicitationRequest>) {
        let schema = match ask.mode {
            ElicitationMode::Form => serde_json::from_value::<ElicitationSchema>(ask.requested_schema).ok(),
            ElicitationMode::Other => None,
        };
        let message = if ask.message.is_empty() { format!("{} asks", ask.server_name) } else { ask.message };
        (Self::Elicitation, schema.map(|schema| request(session, message, schema)))
    }

    /// Questions of the model.
    pub(super) fn questions(ask: &QuestionsAsk, session: &str) -> (Self, Option<CreateElicitationRequest>) {
        // What is secret does not go through forms.
        let open: Vec<&Question> = ask.questions.iter().filter(|question| !question.is_secret).collect();
        let mut schema = ElicitationSchema::new();
        for question in &open {
            let title = if question.header.is_empty() { &question.question } else { &question.header };
            let property = StringPropertySchema::new().title(title.clone()).description(question.question.clone());
            match question.options.as_deref().filter(|options| !options.is_empty()) {
                Some(options) => {
                    let options = options.iter().map(|choice| {
                        let description = Some(choice.description.clone()).filter(|text| !text.is_empty());
                        EnumOption::new(choice.label.clone(), choice.label.clone()).description(description)
                    });
                    let property = property.one_of(options.collect::<Vec<_>>());
                    schema = schema.property(question.id.clone(), property, !question.is_other);
                    if question.is_other {
                        let other = StringPropertySchema::new().title(format!("{title}: something else"));
                        schema = schema.property(format!("{}{OTHER}", question.id), other, false);
                    }
                }
                None => schema = schema.property(question.id.clone(), property, true),
            }
        }
        let message = open.iter().map(|question| question.question.as_str()).collect::<Vec<_>>().join("\n");
        let names = open.iter().map(|question| question.id.clone()).collect();
        (Self::Questions(names), (!open.is_empty()).then(|| request(session, message, schema)))
    }

    /// Codex's answer from the user's response.
    pub(super) fn answer(&self, response: Option<CreateElicitationResponse>) -> Value {
        match response.map(|response| response.action) {
            Some(ElicitationAction::Accept(accepted)) => self.accepted(&accepted.content.unwrap_or_default()),
            Some(ElicitationAction::Cancel) => self.cancelled(),
            _ => self.declined(),
        }
    }

    fn accepted(&self, content: &Content) -> Value {
        match self {
            Self::Elicitation => json!({ "action": "accept", "content": content, "_meta": null }),
            Self::Questions(names) => {
                let answers = names.iter().map(|name| {
                    let other =
                        content.get(&format!("{name}{OTHER}")).map(words).filter(|words| !words.concat().is_empty());
                    let words = other.or_else(|| content.get(name).map(words)).unwrap_or_default();
                    (name.clone(), json!({ "answers": words }))
                });
                json!({ "answers": Value::Object(answers.collect()) })
            }
        }
    }

    /// Codex's answer when the user is not asked or will not say.
    pub(super) fn declined(&self) -> Value {
        match self {
            Self::Elicitation => json!({ "action": "decline", "content": null, "_meta": null }),
            Self::Questions(_) => json!({ "answers": {} }),
        }
    }

    /// Codex's answer when the question is taken back.
    pub(super) fn cancelled(&self) -> Value {
        match self {
            Self::Elicitation => json!({ "action": "cancel", "content": null, "_meta": null }),
            Self::Questions(_) => json!({ "answers": {} }),
        }
    }
}

fn words(value: &ElicitationContentValue) -> Vec<String> {
    match value {
        ElicitationContentValue::String(text) => vec![text.clone()],
        ElicitationContentValue::StringArray(texts) => texts.clone(),
        ElicitationContentValue::Integer(number) => vec![number.to_string()],
        ElicitationContentValue::Number(number) => vec![number.to_string()],
        ElicitationContentValue::Boolean(yes) => vec![yes.to_string()],
        _ => Vec::new(),
    }
}

fn request(session: &str, message: String, schema: ElicitationSchema) -> CreateElicitationRequest {
    CreateElicitationRequest::new(
        ElicitationFormMode::new(ElicitationSessionScope::new(session.to_owned()), schema),
        message,
    )
}
