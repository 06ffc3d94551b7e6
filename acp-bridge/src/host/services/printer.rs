//! Output of a command, as far as a tool call that shows it is told: pieces as they come, and the end.

use acp_types::capability::TERMINAL_OUTPUT;
use acp_types::{Raw, RawBuf};
use memchr::memmem;
use serde_json::json;

use super::tail::Tail;
use crate::session::HOST_TERMINAL;

/// Bytes that are told as they come. Of what a command prints beyond, only the end is told, once it has ended.
const LIVE: usize = 256 * 1024;
/// Bytes of that end.
const LAST: usize = 64 * 1024;

/// Part of the output of one command that has been told.
#[derive(Debug, Default)]
pub(super) struct Printer {
    /// Bytes of the output that were told or left out.
    upto: u64,
    told: usize,
}

impl Printer {
    /// The next piece to be told. `ended`: nothing comes any more.
    pub(super) fn next(&mut self, tail: &mut Tail, ended: bool) -> Option<String> {
        let live = LIVE.saturating_sub(self.told);
        let most = if ended { live.max(LAST) } else { live };
        if most == 0 {
            return None;
        }
        let (text, upto) = tail.since(self.upto);
        let mut text = text;
        if text.len() > most {
            let from = (text.len() - most..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            text.drain(..from);
        }
        let left_out = (upto - self.upto).saturating_sub(text.len() as u64);
        self.upto = upto;
        self.told += text.len();
        if left_out > 0 && !text.is_empty() {
            return Some(format!("\n[{left_out} bytes of output are left out here]\n{text}"));
        }
        Some(text).filter(|text| !text.is_empty())
    }
}

/// Params of a `session/update` of the agent's session that tells what a terminal has printed, in the form in which agents
/// stream their own.
pub(super) fn told(session: &str, call: &RawBuf, terminal: &str, data: &str) -> Option<RawBuf> {
    let output = json!({ "terminal_id": terminal, "data": data });
    let update = json!({
        "sessionUpdate": "tool_call_update", "toolCallId": call, "_meta": { TERMINAL_OUTPUT: output },
    });
    RawBuf::encode(&json!({ "sessionId": session, "update": update })).ok()
}

/// The tool call of these params of a `session/update`, and the terminals of ours that it shows.
pub(super) fn shown(params: Raw<'_>) -> Option<(RawBuf, Vec<String>)> {
    memmem::find(params.as_str().as_bytes(), HOST_TERMINAL.as_bytes())?;
    let [kind, call, content] = params.member("update")?.pick(["sessionUpdate", "toolCallId", "content"]);
    if !matches!(kind?.as_str(), "\"tool_call\"" | "\"tool_call_update\"") {
        return None;
    }
    let id = |item: Raw<'_>| {
        let is_terminal = item.member("type").is_some_and(|kind| kind.as_str() == "\"terminal\"");
        let id = item
            .member("terminalId")
            .and_then(Raw::as_string)
            .filter(|id| is_terminal && id.starts_with(HOST_TERMINAL));
        id.map(std::borrow::Cow::into_owned)
    };
    let terminals: Vec<_> = content?.elements().filter_map(id).collect();
    (!terminals.is_empty()).then(|| Some((call?.to_owned(), terminals)))?
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::super::tail::Tail;
    use super::{LAST, LIVE, Printer, shown, told};

    #[test]
    fn pieces_come_as_they_are_printed_and_each_once() {
        let (mut printer, mut tail) = (Printer::default(), Tail::new(1000));
        assert_eq!(printer.next(&mut tail, false), None);
        tail.push("one €".as_bytes());
        assert_eq!(printer.next(&mut tail, false).as_deref(), Some("one €"));
        assert_eq!(printer.next(&mut tail, false), None);
        tail.push(&"€".as_bytes()[..1]);
        assert_eq!(printer.next(&mut tail, false), None, "half of a character waits");
        tail.push(&"€".as_bytes()[1..]);
        assert_eq!(printer.next(&mut tail, false).as_deref(), Some("€"));
        tail.push(b"two");
        tail.end();
        assert_eq!(printer.next(&mut tail, true).as_deref(), Some("two"));
        assert_eq!(printer.next(&mut tail, true), None);
    }

    #[test]
    fn of_output_without_end_so_much_is_told_and_then_its_end() {
        let (mut printer, mut tail) = (Printer::default(), Tail::new(1 << 20));
        let mut live = 0;
        for _ in 0..100 {
            tail.push(&[b'x'; 10_000]);
            live += printer.next(&mut tail, false).map_or(0, |text| text.len());
        }
        assert!((LIVE..LIVE + 1000).contains(&live), "{live}");
        tail.push(b"end");
        tail.end();
        let last = printer.next(&mut tail, true).unwrap();
        assert!(last.ends_with("end") && last.contains("bytes of output are left out here]"));
        assert!(last.len() < LAST + 100, "{}", last.len());
    }

    #[test]
    fn what_is_no_longer_kept_is_left_out_and_counted() {
        let (mut printer, mut tail) = (Printer::default(), Tail::new(10));
        tail.push(&[b'x'; 100]);
        tail.end();
        let text = printer.next(&mut tail, true).unwrap();
        assert_eq!(text, format!("\n[90 bytes of output are left out here]\n{}", "x".repeat(10)));
    }

    #[test]
    fn the_terminals_of_ours_that_a_call_shows_are_found() {
        let of = |update: &str| shown(Raw::parse(&format!(r#"{{"sessionId":"s","update":{update}}}"#)).unwrap());
        let item = |id: &str| format!(r#"{{"type":"terminal","terminalId":"{id}"}}"#);
        let content = format!("[{},{}]", item("acp-bridge-terminal-2"), item("theirs"));
        let call = format!(r#"{{"sessionUpdate":"tool_call","toolCallId":"c","content":{content}}}"#);
        let (id, terminals) = of(&call).unwrap();
        assert_eq!((id.as_str(), terminals), ("\"c\"", vec!["acp-bridge-terminal-2".to_owned()]));
        for other in [
            r#"{"sessionUpdate":"agent_message_chunk","content":{"text":"acp-bridge-terminal-2"}}"#.to_owned(),
            r#"{"sessionUpdate":"tool_call","toolCallId":"c","title":"acp-bridge-terminal-2"}"#.to_owned(),
            format!(r#"{{"sessionUpdate":"tool_call","content":{content}}}"#),
            format!(r#"{{"sessionUpdate":"tool_call","toolCallId":"c","content":[{}]}}"#, item("theirs")),
        ] {
            assert_eq!(of(&other), None, "{other}");
        }
        let params = told("s", &id, "t", "x\n").unwrap();
        let update = params.as_raw().member("update").unwrap().as_str();
        assert!(update.contains(r#""data":"x\n""#) && update.contains(r#""toolCallId":"c""#), "{update}");
    }
}
