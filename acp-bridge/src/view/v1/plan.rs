//! Plans by id, for clients that know only the one plan of a session. Pure.
//!
//! An agent that was started for a client with `clientCapabilities.plan` says `plan_update` and `plan_removed`. Who did
//! not offer that is shown the plan that was changed last, as a `plan`.

use acp_types::{Raw, RawBuf, rewrite};
use serde_json::json;

use super::client_capabilities::MARKS;

/// Plan of a client that knows only one.
#[derive(Debug, Default)]
pub(crate) struct OnePlan {
    /// Id of the plan; `None` while none is shown.
    shown: Option<String>,
}

impl OnePlan {
    /// Params that an update of plans comes to for such a client; `None` if it is none, or changes nothing that it
    /// sees.
    pub(crate) fn update(&mut self, params: Raw<'_>) -> Option<RawBuf> {
        MARKS[2].find(params.as_str().as_bytes())?;
        let update = params.member("update")?;
        let entries = match &*update.member("sessionUpdate")?.as_string()? {
            "plan_update" => {
                let plan = update.member("plan")?;
                self.shown = plan.member("planId").and_then(Raw::as_string).map(String::from);
                entries(plan)?
            }
            "plan_removed" => {
                let removed = update.member("planId").and_then(Raw::as_string);
                if self.shown.as_deref() != removed.as_deref() {
                    return None;
                }
                self.shown = None;
                Raw::EMPTY_ARRAY.to_owned()
            }
            _ => return None,
        };
        let plan = RawBuf::encode(&json!({ "sessionUpdate": "plan" })).ok()?;
        let plan = rewrite::set_member(plan.as_raw(), "entries", entries.as_raw());
        Some(rewrite::set_member(params, "update", plan.as_raw()))
    }
}

/// Entries of a plan. One that is text is one entry.
fn entries(plan: Raw<'_>) -> Option<RawBuf> {
    if let Some(entries) = plan.member("entries") {
        return Some(entries.to_owned());
    }
    let text = plan.member("content")?.as_string()?;
    RawBuf::encode(&json!([{ "content": text, "priority": "medium", "status": "in_progress" }])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(plan: &mut OnePlan, update: &str) -> Option<String> {
        let params = format!(r#"{{"sessionId":"s","update":{update},"_meta":{{"n":1e2}}}}"#);
        let shown = plan.update(Raw::parse(&params).unwrap())?;
        let prefix = r#"{"sessionId":"s","update":"#;
        let update = shown.as_str().strip_prefix(prefix).unwrap().strip_suffix(r#","_meta":{"n":1e2}}"#).unwrap();
        Some(update.to_owned())
    }

    #[test]
    fn the_plan_that_was_changed_last_is_shown_until_it_is_removed() {
        let mut plan = OnePlan::default();
        let items = |id: &str, entries: &str| {
            format!(
                r#"{{"sessionUpdate":"plan_update","plan":{{"type":"items","planId":"{id}","entries":{entries}}}}}"#
            )
        };
        let removed = |id: &str| format!(r#"{{"sessionUpdate":"plan_removed","planId":"{id}"}}"#);
        let as_plan = |entries: &str| Some(format!(r#"{{"sessionUpdate":"plan","entries":{entries}}}"#));
        assert_eq!(
            shown(&mut plan, &items("a", r#"[{"content":"x","n":1e2}]"#)),
            as_plan(r#"[{"content":"x","n":1e2}]"#)
        );
        assert_eq!(shown(&mut plan, &items("b", "[]")), as_plan("[]"));
        assert_eq!(shown(&mut plan, &removed("a")), None);
        assert_eq!(shown(&mut plan, &removed("b")), as_plan("[]"));
        assert_eq!(shown(&mut plan, &removed("b")), None);
    }

    #[test]
    fn a_plan_of_text_is_one_entry() {
        let update =
            r#"{"sessionUpdate":"plan_update","plan":{"type":"markdown","planId":"a","content":"1. \"do\" it"}}"#;
        let entry = r#"[{"content":"1. \"do\" it","priority":"medium","status":"in_progress"}]"#;
        let expected = format!(r#"{{"sessionUpdate":"plan","entries":{entry}}}"#);
        assert_eq!(shown(&mut OnePlan::default(), update), Some(expected));
    }

    #[test]
    fn what_is_no_update_of_plans_is_none() {
        for update in [
            r#"{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"\"plan_update\""}}"#,
            r#"{"sessionUpdate":"plan_later","planId":"a"}"#,
            r#"{"sessionUpdate":"plan_update"}"#,
            r#"{"sessionUpdate":"plan_update","plan":{"planId":"a","type":"later"}}"#,
            "7",
        ] {
            assert_eq!(shown(&mut OnePlan::default(), update), None, "{update}");
        }
    }
}
