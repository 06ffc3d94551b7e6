//! Prompts of the bridge suite to the mock agent behind the bridge. No model understands them.

/// All that the agent was sent so far, as JSON in one text: `{"pid": …, "got": [message, …]}`.
pub const ECHO: &str = "Tell me all that you got.";
/// [`COUNT`] chunks, each a number in order.
pub const NUMBERS: &str = "Say the numbers from 1 to 1000 at once.";
/// The last of [`NUMBERS`].
pub const COUNT: u64 = 1000;
/// Updates, a notification and a result with members and kinds that nobody knows.
pub const RICH: &str = "Say what nobody knows.";
/// One chunk of [`large`].
pub const LARGE: &str = "Say a mebibyte.";
/// [`PIECES`] chunks of [`piece`].
pub const FLOOD: &str = "Say much.";
/// Chunks of a [`FLOOD`].
pub const PIECES: u64 = 128;
/// Ends the turn with the error of [`failure`]; a code stands behind it.
pub const FAIL: &str = "Fail with the code ";
/// A turn that goes on until it or its request is cancelled.
pub const WAIT: &str = "Wait until I tell you to stop.";
/// A turn that goes on whatever it is told.
pub const DEAF: &str = "Do not listen to me.";
/// An update that holds [`RAW_FRAGMENT`].
pub const RAW: &str = "Say it in your own way.";
/// Members whose order and numbers a parser would change.
pub const RAW_FRAGMENT: &str = r#""conformanceRaw":{"z":1.0,"a":1e2,"m":12345678901234567890123,"e":"\u0041"}"#;
/// A permission request that is withdrawn at once with `$/cancel_request`.
pub const WITHDRAW: &str = "Ask me and take it back.";
/// Answers of the client's services, where `initialize` claimed them: `{"read": …, "terminal": …}`.
pub const SERVICES: &str = "Try what I claim to have.";
/// The agent ends in the middle of the turn.
pub const DIE: &str = "Die.";
/// The agent forgets the mode and the options of the session, and ends in the middle of the turn.
pub const FORGET: &str = "Forget what was set, and die.";
/// Two permission requests at once under ids that look alike, [`ALIKE`], each with one option named like its id. What they
/// were answered with is said as JSON: `[option of the number, option of the text]`.
pub const ASK_ALIKE: &str = "Ask me twice at once.";
/// The ids of [`ASK_ALIKE`]: this number, and this number as text.
pub const ALIKE: u64 = 4004;
/// A request that is answered with its own params, as `{"echo": params}`.
pub const ECHO_METHOD: &str = "_conformance/echo";
/// A notification in either direction.
pub const NEWS_METHOD: &str = "_conformance/news";
/// A kind of update that is in no schema.
pub const UNKNOWN_KIND: &str = "_conformance_kind";

/// One mebibyte, every 16 bytes alike.
#[must_use]
pub fn large() -> String {
    "0123456789abcdef".repeat(64 * 1024)
}

/// The piece of this number of a [`FLOOD`]: the number and 64 KiB.
#[must_use]
pub fn piece(number: u64) -> String {
    format!("{number} {}", "0123456789abcdef".repeat(4 * 1024))
}

/// Content of members that nobody knows. Numbers that every JSON reader keeps.
#[must_use]
pub fn rich() -> serde_json::Value {
    serde_json::json!({
        "nested": [1, -2.5, null, true, "\u{1F980}\u{2028}\n\"", []], "": {}, "large": 9_007_199_254_740_991_u64, "snake_case": { "x-y": "" },
    })
}

/// The error object of [`FAIL`].
#[must_use]
pub fn failure(code: i64) -> serde_json::Value {
    serde_json::json!({ "code": code, "message": format!("the mock agent fails with {code}"), "data": { "rich": rich() } })
}
