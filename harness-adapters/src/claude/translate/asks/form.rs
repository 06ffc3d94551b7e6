//! Questions as forms.

use acp_types::v1;
use serde_json::{Map, Value, json};

use crate::claude::wire::control::{CanUseTool, Elicitation};
use crate::translate::Reply;

/// The form for `AskUserQuestion`; `None` if there is nothing to ask.
pub(super) fn questions(session: &v1::SessionId, tool: &CanUseTool) -> Option<v1::CreateElicitationRequest> {
    let questions = tool.input.get("questions").and_then(Value::as_array)?;
    let mut schema = v1::ElicitationSchema::new();
    let mut message = None;
    for (at, question) in questions.iter().enumerate() {
        let text = |key: &str| question.get(key).and_then(Value::as_str).map(str::to_owned);
        let asked = text("question")?;
        let options = question.get("options").and_then(Value::as_array).into_iter().flatten();
        let options: Vec<_> = options.filter_map(option).collect();
        let title = text("header").unwrap_or_else(|| asked.clone());
        let several = question.get("multiSelect").and_then(Value::as_bool).unwrap_or(false);
        schema = if options.is_empty() {
            let property = v1::StringPropertySchema::new().title(title).description(asked.clone());
            schema.property(name(at), property, true)
        } else if several {
            let property = v1::MultiSelectPropertySchema::titled(options).title(title).description(asked.clone());
            schema.property(name(at), property, true)
        } else {
            let property = v1::StringPropertySchema::new().title(title).description(asked.clone()).one_of(options);
            schema.property(name(at), property, true)
        };
        message.get_or_insert(asked);
    }
    let message = if questions.len() > 1 { "A few questions".to_owned() } else { message? };
    let scope = v1::ElicitationSessionScope::new(session.clone())
        .tool_call_id(tool.tool_use_id.clone().map(v1::ToolCallId::from));
    Some(v1::CreateElicitationRequest::new(v1::ElicitationFormMode::new(scope, schema), message))
}

fn option(option: &Value) -> Option<v1::EnumOption> {
    let label = option.get("label").and_then(Value::as_str)?;
    let description = option.get("description").and_then(Value::as_str).map(str::to_owned);
    Some(v1::EnumOption::new(label, label).description(description))
}

/// The user's answers; `None` if there are none.
pub(super) fn answers(input: &Value, reply: &Reply) -> Option<Value> {
    let content = accepted(reply)?;
    let questions = input.get("questions").and_then(Value::as_array)?;
    let answers: Map<_, _> = questions
        .iter()
        .enumerate()
        .filter_map(|(at, question)| {
            let asked = question.get("question").and_then(Value::as_str)?;
            let answer = match content.get(&name(at))? {
                v1::ElicitationContentValue::String(text) => text.clone(),
                v1::ElicitationContentValue::StringArray(texts) => texts.join(", "),
                other => serde_json::to_value(other).ok()?.to_string(),
            };
            Some((asked.to_owned(), Value::from(answer)))
        })
        .collect();
    (!answers.is_empty()).then_some(Value::Object(answers))
}

/// The form for a question of an MCP server; `None` if it is no form, or not one that can be shown.
pub(super) fn elicitation(session: &v1::SessionId, asked: &Elicitation) -> Option<v1::CreateElicitationRequest> {
    if asked.mode.as_deref().is_some_and(|mode| mode != "form") {
        return None;
    }
    let schema = serde_json::from_value(asked.requested_schema.clone()?).ok()?;
    let scope = v1::ElicitationSessionScope::new(session.clone());
    let message = match asked.mcp_server_name.as_str() {
        "" => asked.message.clone(),
        server => format!("{server}: {}", asked.message),
    };
    Some(v1::CreateElicitationRequest::new(v1::ElicitationFormMode::new(scope, schema), message))
}

/// Answer to an MCP server.
pub(super) fn elicited(reply: &Reply) -> Value {
    match reply {
        Reply::Form(response) if matches!(response.action, v1::ElicitationAction::Accept(_)) => {
            json!({ "action": "accept", "content": accepted(reply).cloned().unwrap_or_default() })
        }
        Reply::Form(response) if matches!(response.action, v1::ElicitationAction::Decline) => declined(),
        _ => json!({ "action": "cancel" }),
    }
}

/// Answer to an MCP server whose question cannot be shown.
pub(super) fn declined() -> Value {
    json!({ "action": "decline" })
}

fn accepted(reply: &Reply) -> Option<&std::collections::BTreeMap<String, v1::ElicitationContentValue>> {
    match reply {
        Reply::Form(v1::CreateElicitationResponse { action: v1::ElicitationAction::Accept(accepted), .. }) => {
            accepted.content.as_ref()
        }
        _ => None,
    }
}

fn name(at: usize) -> String {
    format!("question_{}", at + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use acp_types::v1;
    use serde_json::json;

    use super::{answers, elicited, questions};
    use crate::claude::wire::control::CanUseTool;
    use crate::translate::Reply;

    fn tool() -> CanUseTool {
        let input = json!({ "questions": [
            { "question": "Which?", "header": "H", "options": [{ "label": "Red", "description": "r" }] },
            { "question": "Sizes?", "options": [{ "label": "S" }, { "label": "L" }], "multiSelect": true },
        ]});
        serde_json::from_value(json!({ "tool_name": "AskUserQuestion", "input": input })).expect("a request")
    }

    #[test]
    fn each_question_is_a_field_and_each_answer_goes_back_by_its_question() {
        let tool = tool();
        let form = questions(&"s".into(), &tool).expect("a form");
        let v1::ElicitationMode::Form(form) = form.mode else { panic!("a form") };
        assert_eq!(form.requested_schema.properties.len(), 2);
        let content = BTreeMap::from([
            ("question_1".to_owned(), v1::ElicitationContentValue::String("Red".to_owned())),
            ("question_2".to_owned(), v1::ElicitationContentValue::StringArray(vec!["S".to_owned(), "L".to_owned()])),
        ]);
        let accepted = v1::ElicitationAcceptAction::new().content(content);
        let reply = Reply::Form(v1::CreateElicitationResponse::new(v1::ElicitationAction::Accept(accepted)));
        assert_eq!(answers(&tool.input, &reply), Some(json!({ "Which?": "Red", "Sizes?": "S, L" })));
    }

    #[test]
    fn a_refused_form_answers_nothing() {
        let declined = Reply::Form(v1::CreateElicitationResponse::new(v1::ElicitationAction::Decline));
        assert_eq!(answers(&tool().input, &declined), None);
        assert_eq!(answers(&tool().input, &Reply::Failed), None);
        assert_eq!(elicited(&declined), json!({ "action": "decline" }));
        assert_eq!(elicited(&Reply::Failed), json!({ "action": "cancel" }));
        let empty = v1::ElicitationAction::Accept(v1::ElicitationAcceptAction::new());
        let empty = Reply::Form(v1::CreateElicitationResponse::new(empty));
        assert_eq!(elicited(&empty), json!({ "action": "accept", "content": {} }));
    }
}
