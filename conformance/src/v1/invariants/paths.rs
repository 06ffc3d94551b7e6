//! Paths and lines.

use serde_json::Value;

use crate::core::each::{each, items};
use crate::core::history::{Body, Case, Message, brief};
use crate::core::verdict::Outcome;

pub(crate) fn absolute(value: &Value) -> bool {
    let drive = |path: &str| path.get(1..3).is_some_and(|rest| rest == ":\\" || rest == ":/");
    value.as_str().is_some_and(|path| path.starts_with('/') || path.starts_with("\\\\") || drive(path))
}

/// The places of a tool call's content and locations where a path stands.
fn diffs(message: &Message) -> impl Iterator<Item = &Value> {
    let call = message.update().or_else(|| message.params().map(|params| &params["toolCall"]));
    let content = call.map(|call| items(&call["content"])).unwrap_or_default();
    content.iter().filter(|content| content["type"] == "diff")
}

fn locations(message: &Message) -> &[Value] {
    let call = message.update().or_else(|| message.params().map(|params| &params["toolCall"]));
    call.map(|call| items(&call["locations"])).unwrap_or_default()
}

/// Every path of a message, absent ones left out.
fn paths(message: &Message) -> Vec<&Value> {
    let mut paths: Vec<&Value> = diffs(message).map(|diff| &diff["path"]).collect();
    paths.extend(locations(message).iter().map(|location| &location["path"]));
    let of_request = match &message.body {
        Body::Request { method, params, .. } if method.starts_with("fs/") => Some(&params["path"]),
        Body::Request { method, params, .. } if method == "terminal/create" => Some(&params["cwd"]),
        _ => None,
    };
    paths.extend(of_request);
    if let Body::Response { outcome: Ok(result), .. } = &message.body {
        for session in items(&result["sessions"]) {
            paths.push(&session["cwd"]);
            paths.extend(items(&session["additionalDirectories"]));
        }
    }
    paths.retain(|path| !path.is_null());
    paths
}

pub(super) fn every_path_is_absolute(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| !paths(message).is_empty(),
        |message| {
            let relative = paths(message).into_iter().find(|path| !absolute(path))?;
            Some(Outcome::broken("an absolute path", brief(relative), vec![message.index]))
        },
    )
}

/// Every line number of a message.
fn lines(message: &Message) -> Vec<&Value> {
    let mut lines: Vec<&Value> = locations(message).iter().map(|location| &location["line"]).collect();
    if let Body::Request { method, params, .. } = &message.body
        && method.starts_with("fs/")
    {
        lines.push(&params["line"]);
    }
    lines.retain(|line| !line.is_null());
    lines
}

/// The schema lets zero pass.
pub(super) fn lines_begin_with_one(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| !lines(message).is_empty(),
        |message| {
            let zero = lines(message).into_iter().find(|line| line.as_u64().is_none_or(|line| line == 0))?;
            Some(Outcome::doubtful("a line from 1 on", brief(zero), vec![message.index]))
        },
    )
}

pub(super) fn diffs_are_whole(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| diffs(message).next().is_some(),
        |message| {
            let whole = |diff: &&Value| {
                let old = &diff["oldText"];
                absolute(&diff["path"]) && diff["newText"].is_string() && (old.is_null() || old.is_string())
            };
            let bad = diffs(message).find(|diff| !whole(diff))?;
            let expected = "an absolute path, newText, and oldText as text or null";
            Some(Outcome::broken(expected, brief(bad), vec![message.index]))
        },
    )
}

pub(super) fn locations_are_absolute(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| !locations(message).is_empty(),
        |message| {
            let bad = locations(message).iter().find(|location| !absolute(&location["path"]))?;
            Some(Outcome::broken("an absolute path", brief(bad), vec![message.index]))
        },
    )
}

pub(super) fn file_requests_are_whole(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.method().is_some_and(|method| method.starts_with("fs/")),
        |message| {
            let params = message.params()?;
            let known = params["sessionId"].as_str().is_some_and(|id| super::turns::is_known(case, message.on, id));
            let good = absolute(&params["path"]) && known;
            (!good).then(|| {
                Outcome::broken("an absolute path and a session of this connection", brief(params), vec![message.index])
            })
        },
    )
}

pub(super) fn terminals_are_made_in_absolute_directories(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.requests("terminal/create"),
        |message| {
            let params = message.params()?;
            let pair = |pair: &Value| pair["name"].is_string() && pair["value"].is_string();
            let env = &params["env"];
            let good = (params["cwd"].is_null() || absolute(&params["cwd"]))
                && (env.is_null() || env.as_array().is_some_and(|env| env.iter().all(pair)));
            (!good).then(|| {
                Outcome::broken("an absolute cwd and pairs of name and value", brief(params), vec![message.index])
            })
        },
    )
}
