//! Checks of every history of version 2.

mod background;
mod diffs;
mod lists;
pub(crate) mod messages;
mod terminals;
mod tools;

use serde_json::Value;

use crate::core::check::Check;
use crate::core::history::Case;
use crate::core::schema::Part;
use crate::core::verdict::Outcome;
use crate::v1::invariants::children::children_are_announced_first;
use crate::v1::invariants::{answers, envelope, stdio};

/// For an agent.
pub(super) const CHECKS: &[Check] = &[
    Check::new("RPC-01", envelope::every_message_is_one_of_three),
    Check::new("RPC-03", envelope::every_answer_is_a_result_or_a_proper_error),
    Check::new("RPC-05", envelope::one_answer_per_request),
    Check::new("RPC-09", everything_keeps_to_the_schema),
    Check::new("RPC-13", answers::every_request_is_answered),
    Check::new("TRANSPORT-stdio-01", stdio::everything_is_utf8),
    Check::new("TRANSPORT-stdio-02", stdio::one_message_per_line),
    Check::new("TRANSPORT-stdio-03", stdio::nothing_but_messages),
    Check::new("V2-04", lists::methods_and_options_are_whole),
    Check::new("V2-11", messages::every_message_has_an_id),
    Check::new("V2-13", tools::calls_are_made_by_updates),
    Check::new("V2-14", terminals::terminals_are_the_agents),
    Check::new("V2-15", diffs::changes_and_patch_agree),
    Check::new("V2-16", tools::permission_requests_have_a_title),
    Check::new("V2-17", tools::plans_are_whole),
    Check::new("V2-20", messages::own_values_begin_with_an_underscore),
    Check::new("V2-23", messages::ids_are_not_null_and_not_used_twice),
    Check::new("V2-25", lists::the_current_value_is_offered),
    Check::new("V2-25/a", lists::option_ids_are_distinct),
    Check::new("V2-25/b", lists::command_names_are_plain_and_distinct),
    Check::new("V2-26", background::snapshots_are_complete),
    Check::new("V2-32", children_are_announced_first),
    Check::new("V2-34", super::skills::skills_are_for_clients_that_take_them),
];

pub(crate) fn everything_keeps_to_the_schema(case: &Case<'_>) -> Outcome {
    let excused = |method: &str, part: Part, value: &Value| {
        // The older text has an empty object for a prompt; null where an object is empty is in examples (AMB-26).
        let older = method == "session/prompt" && value.get("messageId").is_none();
        part == Part::Response && (value.is_null() || older)
    };
    envelope::keeps_to_the_schema(case, |version| version == Some(crate::v2::VERSION.into()), excused)
}
