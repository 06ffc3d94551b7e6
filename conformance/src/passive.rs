//! What is asked of every history, whatever was done: the checks that catch most real defects.

mod envelope;
mod order;
mod stdio;

use crate::check::Check;

/// For an agent.
pub(crate) const AGENT: &[Check] = &[
    Check::new("RPC-01", envelope::every_message_is_one_of_three),
    Check::new("RPC-03", envelope::every_answer_is_a_result_or_a_proper_error),
    Check::new("RPC-05", envelope::one_answer_per_request),
    Check::new("RPC-06", envelope::ids_are_no_null_and_no_fraction),
    Check::new("RPC-09", envelope::everything_keeps_to_the_schema),
    Check::new("TRANSPORT-stdio-01", stdio::everything_is_utf8),
    Check::new("TRANSPORT-stdio-02", stdio::one_message_per_line),
    Check::new("TRANSPORT-stdio-03", stdio::nothing_but_messages),
];

/// For a client.
pub(crate) const CLIENT: &[Check] = &[
    Check::new("RPC-01", envelope::every_message_is_one_of_three),
    Check::new("RPC-03", envelope::every_answer_is_a_result_or_a_proper_error),
    Check::new("RPC-05", envelope::one_answer_per_request),
    Check::new("RPC-06", envelope::ids_are_no_null_and_no_fraction),
    Check::new("RPC-09", envelope::everything_keeps_to_the_schema),
    Check::new("TRANSPORT-stdio-01", stdio::everything_is_utf8),
    Check::new("TRANSPORT-stdio-02", stdio::one_message_per_line),
    Check::new("TRANSPORT-stdio-04", stdio::nothing_but_messages),
    Check::new("TRANSPORT-stdio-07", order::no_batches),
    Check::new("INIT-01", order::initialize_comes_first),
    Check::new("AUTH-05", order::login_methods_are_the_agents),
    Check::new("SESS-01", order::sessions_come_after_initialize),
    Check::new("SESS-04", order::working_directories_are_absolute),
    Check::new("SESS-14", order::stdio_servers_are_whole),
    Check::new("SESS-16", order::directories_are_added_only_where_announced),
    Check::new("LIST-02", order::lists_come_after_initialize),
    Check::new("PROMPT-01", order::prompts_come_after_sessions),
];
