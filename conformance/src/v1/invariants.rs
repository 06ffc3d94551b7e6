//! Checks of every history, whatever the scenario did. They catch most real defects.

pub(crate) mod answers;
mod asks;
pub(crate) mod children;
mod compaction;
pub(crate) mod config;
pub(crate) mod content;
mod cursors;
mod elicitation;
pub(crate) mod envelope;
mod extensions;
mod gated;
pub(crate) mod order;
pub(crate) mod paths;
mod plans;
pub(crate) mod stdio;
mod suggestions;
mod terminals;
mod told;
mod tools;
mod turns;

use crate::core::check::Check;

/// For an agent.
pub(crate) const AGENT: &[Check] = &[
    Check::new("RPC-01", envelope::every_message_is_one_of_three),
    Check::new("RPC-03", envelope::every_answer_is_a_result_or_a_proper_error),
    Check::new("RPC-05", envelope::one_answer_per_request),
    Check::new("RPC-06", envelope::ids_are_no_null_and_no_fraction),
    Check::new("RPC-09", envelope::everything_keeps_to_the_schema),
    Check::new("RPC-11", paths::every_path_is_absolute),
    Check::new("RPC-12", paths::lines_begin_with_one),
    Check::new("RPC-13", answers::every_request_is_answered),
    Check::new("ERR-01", answers::errors_are_whole),
    Check::new("ERR-03", answers::own_codes_lie_outside_the_reserved_range),
    Check::new("ERR-12", answers::messages_are_one_sentence),
    Check::new("TRANSPORT-stdio-01", stdio::everything_is_utf8),
    Check::new("TRANSPORT-stdio-02", stdio::one_message_per_line),
    Check::new("TRANSPORT-stdio-03", stdio::nothing_but_messages),
    Check::new("INIT-13", gated::nothing_is_used_that_was_not_offered),
    Check::new("SESS-22", turns::updates_name_known_sessions),
    Check::new("LIST-15", told::listed_roots_are_announced),
    Check::new("LIST-18", told::session_info_has_no_fixed_fields),
    Check::new("PROMPT-06", turns::output_comes_before_the_answer),
    Check::new("PROMPT-08", turns::chunks_have_message_ids),
    Check::new("PROMPT-09", turns::message_ids_do_not_come_back),
    Check::new("PROMPT-10", told::usage_is_numbers),
    Check::new("PROMPT-18", turns::no_call_is_left_open),
    Check::new("CANCEL-20", terminals::cancelled_ids_are_ids),
    Check::new("CANCEL-21", terminals::cancelled_requests_are_open),
    Check::new("TOOL-02", tools::calls_have_id_and_title),
    Check::new("TOOL-03", tools::ids_are_not_used_twice),
    Check::new("TOOL-04", tools::kinds_are_known),
    Check::new("TOOL-05", tools::statuses_are_known),
    Check::new("TOOL-06", tools::updates_are_about_reported_calls),
    Check::new("TOOL-07", tools::what_is_final_stays_so),
    Check::new("TOOL-08", tools::updates_have_an_id),
    Check::new("TOOL-09", tools::content_is_of_a_known_kind),
    Check::new("TOOL-10", paths::diffs_are_whole),
    Check::new("TOOL-11", terminals::shown_terminals_live),
    Check::new("TOOL-12", paths::locations_are_absolute),
    Check::new("CMD-02", told::commands_have_name_and_description),
    Check::new("CMD-03", told::names_of_commands_are_plain_and_distinct),
    Check::new("CONTENT-06", content::blocks_are_whole),
    Check::new("CONTENT-07", content::bytes_are_base64),
    Check::new("FS-01", |case| gated::gated(case, gated::FILES)),
    Check::new("FS-02", paths::file_requests_are_whole),
    Check::new("TERM-01", |case| gated::gated(case, gated::TERMINALS)),
    Check::new("TERM-02", paths::terminals_are_made_in_absolute_directories),
    Check::new("TERM-06", terminals::every_terminal_is_released),
    Check::new("TERM-13", terminals::killed_terminals_are_released),
    Check::new("TERM-17", terminals::nothing_is_used_after_its_release),
    Check::new("ELICIT-01", elicitation::only_offered_modes),
    Check::new("ELICIT-03", elicitation::requests_have_mode_message_and_scope),
    Check::new("ELICIT-05", elicitation::forms_are_flat),
    Check::new("ELICIT-16", elicitation::open_ids_are_distinct),
    Check::new("ELICIT-17", elicitation::completed_ids_are_known),
    Check::new("ELICIT-20", elicitation::urls_are_safe),
    Check::new("ELICIT-21", elicitation::forms_have_no_urls),
    Check::new("CONFIG-07", told::told_options_are_complete),
    Check::new("CONFIG-12", told::categories_are_known),
    Check::new("MODE-06", told::told_modes_are_offered),
    Check::new("EXT-01", extensions::meta_is_an_object),
    Check::new("EXT-03", extensions::trace_context_can_be_read),
    Check::new("EXT-04", extensions::nothing_is_added_to_the_types),
    Check::new("EXT-05", extensions::own_methods_begin_with_an_underscore),
    Check::new("NOTICE-01", |case| gated::update_needs(case, "notices", &["notice"])),
    Check::new("NOTICE-02", told::notices_are_whole),
    Check::new("COMPACT-01", |case| {
        gated::update_needs(case, "compaction", &["compaction_update", "compaction_summary_chunk"])
    }),
    Check::new("COMPACT-02", compaction::updates_are_whole),
    Check::new("COMPACT-03", compaction::each_ends_once),
    Check::new("COMPACT-04", compaction::nothing_comes_after_the_end),
    Check::new("PLAN-07", |case| gated::kinds_need(case, &["plan"], &["plan_update", "plan_removed"])),
    Check::new("PLAN-08", plans::paths_are_absolute),
    Check::new("PLAN-09", plans::every_update_is_complete),
    Check::new("CURSOR-01", |case| gated::update_needs(case, "cursors", &["cursor_update"])),
    Check::new("CURSOR-02", cursors::new_ones_have_an_anchor),
    Check::new("CURSOR-03", cursors::anchors_stay),
    Check::new("SUGGEST-01", |case| gated::update_needs(case, "promptSuggestions", &["prompt_suggestions_update"])),
    Check::new("SUGGEST-02", suggestions::suggestions_can_be_sent),
    Check::new("SUB-01", children::only_for_clients_that_take_them),
    Check::new("SUB-02", children::children_are_announced_first),
    Check::new("SUB-03", children::children_keep_their_parent),
    Check::new("SUB-04", children::states_are_known),
    Check::new("SUB-05", children::directories_are_absolute),
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
    Check::new("AUTH-10", |case| asks::only_where_announced(case, asks::LOGOUT)),
    Check::new("LOAD-01", |case| asks::only_where_announced(case, asks::LOAD)),
    Check::new("LOAD-02", asks::loads_are_whole),
    Check::new("RESUME-01", |case| asks::only_where_announced(case, asks::RESUME)),
    Check::new("RESUME-02", asks::resumes_are_whole),
    Check::new("CLOSE-01", |case| asks::only_where_announced(case, asks::CLOSE)),
    Check::new("CLOSE-02", asks::closes_name_their_session),
    Check::new("DELETE-01", |case| asks::only_where_announced(case, asks::DELETE)),
    Check::new("LIST-05", asks::filters_are_absolute),
    Check::new("CANCEL-02", asks::cancels_are_notifications),
    Check::new("CONFIG-14", asks::values_are_offered),
    Check::new("MODE-07", asks::modes_are_offered),
    Check::new("SYSTEM-04", |case| asks::member_only_where_announced(case, "systemPrompt", "systemPrompt")),
    Check::new("OPTIONS-07", |case| asks::member_only_where_announced(case, "configOptions", "options")),
    Check::new("SUB-10", children::children_are_left_alone),
];
