//! Output of commands for clients that cannot show the terminal it goes into. Pure.
//!
//! The log has the output of a command once, piece by piece, as the agent streams it: `_meta.terminal_output` of a tool
//! call whose content names the terminal. A client that can show such terminals gets that as it is. For any other a
//! [`TerminalView`] puts the text so far in the terminal's place. The content of a tool call is told as a whole, so what
//! a client gets replaces what it had, and nothing is shown twice wherever it comes in.

mod asked;
mod call;
mod text;

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use acp_types::capability::TERMINAL_OUTPUT;
use acp_types::meta::META_KEY;
use acp_types::record::{Kind, Record, Seq};
use acp_types::{Raw, RawBuf, SessionId, rewrite};
use memchr::memmem::Finder;

use self::asked::{Answered, AskedOutput};
use self::call::{Call, Slot, Unshown};
use self::text::{Text, literal};
use crate::view::lanes::LaneFilter;

/// Number of tool calls, and of terminals, that are remembered.
const MAX: usize = 32;
/// Records before the one that a client goes on from in which the beginnings of commands are looked for.
pub(crate) const LOOK_BACK: u64 = 8192;
/// Bytes of the params of an update that is put together here: a message of the default limit, with its frame.
const MAX_PARAMS: usize = 16 * 1024 * 1024 - 256;

/// First letters of what names a terminal, as type of content or as member of `_meta`.
static TERMINAL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"terminal"));
static CALL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"tool_call"));

/// Members of a tool call's `_meta` that stream a terminal.
const STREAM: [&str; 3] = ["terminal_info", TERMINAL_OUTPUT, "terminal_exit"];

/// Part of an update that is for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VisibleUpdate {
    /// Whole update, as it stands in the log.
    All,
    /// Params in place of its own.
    Instead(RawBuf),
    /// No part. What it has printed comes with [`TerminalView::flush`] or with the call's next update.
    Later,
}

/// Tool calls that a client knows and that show terminals which it cannot show.
#[derive(Debug, Default)]
pub(crate) struct TerminalView {
    calls: VecDeque<Call>,
    terminals: VecDeque<Terminal>,
    asked: AskedOutput,
}

#[derive(Debug)]
struct Terminal {
    lane: Arc<str>,
    id: String,
    text: Text,
}

impl TerminalView {
    /// Takes the next update. `sees` says whether the client can show a terminal itself.
    pub(crate) fn update(&mut self, record: &Record, sees: impl Fn(&str) -> bool) -> VisibleUpdate {
        let params = record.body.as_raw();
        let text = params.as_str().as_bytes();
        let may_matter = TERMINAL.find(text).is_some() || !self.calls.is_empty() && CALL.find(text).is_some();
        let Some(update) = params.member("update").filter(|_| may_matter) else { return VisibleUpdate::All };
        let [kind, id, content, status, meta] =
            update.pick(["sessionUpdate", "toolCallId", "content", "status", "_meta"]);
        let begins = kind.is_some_and(|kind| kind.as_str() == "\"tool_call\"");
        let Some(id) = id.filter(|_| begins || kind.is_some_and(|kind| kind.as_str() == "\"tool_call_update\"")) else {
            return VisibleUpdate::All;
        };
        let meta = meta.unwrap_or(Raw::EMPTY_OBJECT);
        let hidden: Vec<&str> =
            STREAM.into_iter().filter(|key| named(meta, key).is_some_and(|id| !sees(&id))).collect();
        let content = content.filter(|content| !content.is_null());
        let slots = content.map(|content| content.elements().map(|item| Slot::read(item, &sees)).collect::<Vec<_>>());
        let shows = slots.as_ref().is_some_and(|slots| slots.iter().any(Slot::is_terminal));

        let known = self.calls.iter().position(|call| call.is(&record.lane, id.as_str()));
        if known.is_none() && hidden.is_empty() && !shows {
            return VisibleUpdate::All;
        }
        let at = known.unwrap_or_else(|| self.remember(&record.lane, id.as_str()));
        let call = &mut self.calls[at];
        let told = slots.is_some();
        call.begun |= begins;
        if let Some(slots) = slots.or_else(|| begins.then(Vec::new)) {
            call.set_content(slots);
        }
        if let Some(status) = status.filter(|status| !status.is_null()) {
            call.over = matches!(status.as_str(), "\"completed\"" | "\"failed\"");
        }
        self.stream(record, meta, &hidden, at);
        let call = &mut self.calls[at];
        if is_stream_only(params, update, meta, &hidden) && !begins {
            return VisibleUpdate::Later;
        }
        let news = call.unshown.take().is_some();
        // Content that is told replaces what was to be told.
        let tells = if told { shows } else { news };
        let shown = match hidden.is_empty() && !tells {
            true => VisibleUpdate::All,
            false => VisibleUpdate::Instead(self.rewritten(at, params, meta, &hidden, tells)),
        };
        self.calls[at].forget_much();
        shown
    }

    /// Takes a record that is no update: what a client that runs a terminal answers of its output.
    pub(crate) fn control(&mut self, record: &Record) {
        let Some(Answered { lane, terminal, text }) = self.asked.control(record) else { return };
        let known = self.terminal(&lane, &terminal, true);
        if *known != text {
            *known = text;
            self.printed(record, &lane, &terminal);
        }
    }

    /// Takes in a record that the client is not shown: it stands before its history.
    pub(crate) fn hear(&mut self, record: &Record, lanes: &LaneFilter, sees: impl Fn(&str, &str) -> bool) {
        match record.kind {
            _ if !lanes.shows(&record.lane) => {}
            Kind::Update => drop(self.update(record, |terminal| sees(&record.lane, terminal))),
            _ => self.control(record),
        }
    }

    /// Returns whether something was printed that the client has not been told.
    pub(crate) fn is_behind(&self) -> bool {
        self.calls.iter().any(|call| call.unshown.is_some())
    }

    /// Counts what the client has as of now as told.
    pub(crate) fn forget_unshown(&mut self) {
        self.calls.iter_mut().for_each(|call| call.unshown = None);
    }

    /// Params of updates that tell what was printed since. One whose record is the last that the client has, at
    /// `cursor`, carries its seq; the others carry none and move no cursor.
    pub(crate) fn flush(&mut self, session: &SessionId, cursor: Seq) -> Vec<RawBuf> {
        let behind = self.calls.iter_mut().enumerate();
        let behind = behind.filter_map(|(at, call)| call.unshown.take().filter(|_| call.is_complete()).zip(Some(at)));
        let mut behind: Vec<_> = behind.collect();
        behind.sort_by_key(|(unshown, _)| unshown.seq);
        let told = behind.into_iter().filter_map(|(unshown, at)| {
            let call = &self.calls[at];
            let session = RawBuf::encode(session).ok()?;
            let ours = unshown.meta(&call.lane, cursor)?;
            let head = format!(
                r#"{{"sessionId":{session},"update":{{"sessionUpdate":"tool_call_update","toolCallId":{},"content":"#,
                call.id
            );
            let tail = format!(r#"}},"_meta":{{"{META_KEY}":{ours}}}}}"#);
            let content = self.content(call, MAX_PARAMS.saturating_sub(head.len() + tail.len()));
            Some(RawBuf::trusted(format!("{head}{content}{tail}")))
        });
        told.collect()
    }

    /// Takes in what an update of a call streams.
    fn stream(&mut self, record: &Record, meta: Raw<'_>, hidden: &[&str], at: usize) {
        for key in hidden {
            let Some(id) = named(meta, key) else { continue };
            match *key {
                "terminal_info" => *self.begin(&record.lane, &id) = Text::default(),
                TERMINAL_OUTPUT => {
                    self.calls[at].make_room_for(&id);
                    let data = meta.path(&[*key, "data"]).and_then(literal).unwrap_or_default();
                    let begun = self.calls[at].begun;
                    self.terminal(&record.lane, &id, begun).push(data);
                    if !data.is_empty() {
                        self.printed(record, &record.lane, &id);
                    }
                }
                _ => {}
            }
        }
    }

    /// Marks the calls that show a terminal: they have something to tell.
    fn printed(&mut self, record: &Record, lane: &str, terminal: &str) {
        for call in self.calls.iter_mut().filter(|call| call.shows(lane, terminal)) {
            call.unshown = Some(Unshown::of(record));
        }
    }

    /// Update without the stream of its terminals, and with their text if that is to be told.
    fn rewritten(&self, at: usize, params: Raw<'_>, meta: Raw<'_>, hidden: &[&str], tells: bool) -> RawBuf {
        let mut rest = meta.to_owned();
        for key in hidden {
            rest = rewrite::remove_member(rest.as_raw(), key);
        }
        let mut update = params.member("update").unwrap_or(Raw::EMPTY_OBJECT).to_owned();
        if !hidden.is_empty() {
            update = match rest.as_raw().members().next() {
                Some(_) => rewrite::set_member(update.as_raw(), "_meta", rest.as_raw()),
                None => rewrite::remove_member(update.as_raw(), "_meta"),
            };
        }
        let call = &self.calls[at];
        if tells && call.is_complete() {
            let without = rewrite::set_member(update.as_raw(), "content", Raw::trusted("[]"));
            let around = params.as_str().len().saturating_sub(params.member("update").map_or(0, |u| u.as_str().len()));
            let room = MAX_PARAMS.saturating_sub(around + without.as_str().len());
            let content = self.content(call, room);
            update = rewrite::set_member(without.as_raw(), "content", Raw::trusted(&content));
        }
        rewrite::set_member(params, "update", update.as_raw())
    }

    /// Content of a call with text in place of terminals, in so many bytes at most.
    fn content(&self, call: &Call, room: usize) -> String {
        let texts = |id: &str| self.find(&call.lane, id).map(|at| &self.terminals[at].text);
        let whole = call.content(texts);
        if whole.len() <= room { whole } else { call.content_without_text(room) }
    }

    /// Makes a place for a call that is not known.
    fn remember(&mut self, lane: &Arc<str>, id: &str) -> usize {
        if self.calls.len() >= MAX {
            let oldest = self.calls.iter().position(|call| call.over).unwrap_or(0);
            self.calls.remove(oldest);
        }
        self.calls.push_back(Call::new(Arc::clone(lane), id));
        self.calls.len() - 1
    }

    fn find(&self, lane: &str, id: &str) -> Option<usize> {
        self.terminals.iter().rposition(|terminal| *terminal.lane == *lane && terminal.id == id)
    }

    /// Text of a terminal. One that is not known begins here, unless its call was missed too.
    fn terminal(&mut self, lane: &Arc<str>, id: &str, begins: bool) -> &mut Text {
        match self.find(lane, id) {
            Some(at) => &mut self.terminals[at].text,
            None => {
                let text = self.begin(lane, id);
                if !begins {
                    *text = Text::late();
                }
                text
            }
        }
    }

    /// Text of a terminal that begins.
    fn begin(&mut self, lane: &Arc<str>, id: &str) -> &mut Text {
        let at = self.find(lane, id).unwrap_or_else(|| {
            if self.terminals.len() >= MAX {
                let over = |terminal: &Terminal| {
                    let mut calls = self.calls.iter().filter(|call| call.shows(&terminal.lane, &terminal.id));
                    calls.all(|call| call.over)
                };
                let oldest = self.terminals.iter().position(over).unwrap_or(0);
                if let Some(Terminal { lane, id, .. }) = self.terminals.remove(oldest) {
                    // What it prints from now on is not all.
                    self.calls.iter_mut().filter(|call| call.shows(&lane, &id)).for_each(|call| call.begun = false);
                }
            }
            self.terminals.push_back(Terminal { lane: Arc::clone(lane), id: id.to_owned(), text: Text::default() });
            self.terminals.len() - 1
        });
        &mut self.terminals[at].text
    }
}

/// Returns whether a record names a terminal. A view that has heard of none such is as good as new.
pub(crate) fn names_terminal(record: &Record) -> bool {
    TERMINAL.find(record.body.as_str().as_bytes()).is_some()
}

/// Terminal that a member of a tool call's `_meta` streams.
fn named(meta: Raw<'_>, key: &str) -> Option<String> {
    Some(meta.path(&[key, "terminal_id"])?.as_string()?.into_owned())
}

/// Returns whether nothing is left of an update without the stream of its terminals.
fn is_stream_only(params: Raw<'_>, update: Raw<'_>, meta: Raw<'_>, hidden: &[&str]) -> bool {
    let only = |object: Raw<'_>, keys: &[&str]| object.members().all(|(key, _)| keys.contains(&&*key));
    !hidden.is_empty()
        && only(meta, hidden)
        && only(update, &["sessionUpdate", "toolCallId", "_meta"])
        && only(params, &["sessionId", "update", "_meta"])
        && params.member("_meta").is_none_or(|ours| only(ours, &[META_KEY]))
}

#[cfg(test)]
mod tests;
