//! Texts that this adapter writes for the model.

/// Answer to a question that cannot be put to the user.
pub(super) const NO_FORMS: &str = "The user cannot answer this kind of question here. Ask in your answer instead.";
/// Answer to questions that the user did not answer.
pub(super) const UNANSWERED: &str = "The user did not answer the questions.";
/// Answer to a call that the user refused.
pub(super) const REFUSED: &str =
    "The user refused this call. Do not try it again; go on without it, or ask what to do instead.";
/// Answer to a call while the turn is stopped.
pub(super) const STOPPED: &str = "The user stopped the turn.";

/// True for a text of ours. Any other text says why something else refused a call.
pub(super) fn is_ours(words: &str) -> bool {
    [NO_FORMS, UNANSWERED, REFUSED, STOPPED].iter().any(|ours| words.contains(ours))
}
