//! News for clients of the mode and the options in force, when the agent does not say so itself.

use std::borrow::Cow;

use acp_types::meta::META_KEY;
use acp_types::record::Record;
use acp_types::record::body::{Choice, LostChoice, SessionUpdated};
use acp_types::{Raw, RawBuf, RawKind, rewrite};
use serde_json::{Value, json};

use super::super::state::Claims;
use super::super::{LaneState, State, choice};

/// Change that only the one client knows that has made it.
#[derive(Debug, Default)]
pub(super) struct Announcement(News);

/// State of such a change.
///
/// ```text
///          the agent accepts what a client set
///   None ───────────────────────────────────────▶ Due
///    ▲                                             │
///    └── the agent tells all clients; or its time ─┘
///        is over, a turn starts, or it goes: the
///        bridge tells them
/// ```
#[derive(Debug, Default)]
enum News {
    #[default]
    None,
    Due {
        mode: bool,
        options: bool,
        deadline: u64,
    },
}

impl Announcement {
    /// Time by which the agent is to have told all clients.
    pub(super) fn deadline(&self) -> Option<u64> {
        if let News::Due { deadline, .. } = self.0 { Some(deadline) } else { None }
    }

    /// The agent has accepted what a client set, and that has changed something.
    pub(super) fn add(&mut self, updated: &SessionUpdated, deadline: u64) {
        let (new_mode, new_options) = (updated.mode.is_some(), updated.config_options.is_some());
        match &mut self.0 {
            News::Due { mode, options, .. } => {
                *mode |= new_mode;
                *options |= new_options;
            }
            News::None if new_mode || new_options => {
                self.0 = News::Due { mode: new_mode, options: new_options, deadline };
            }
            News::None => {}
        }
    }

    /// The agent tells all clients its mode or its options: nobody else needs to.
    pub(super) fn told(&mut self, told: &Told<'_>) {
        if let News::Due { mode, options, .. } = &mut self.0 {
            *mode &= !matches!(told, Told::Mode(_));
            *options &= !matches!(told, Told::Options(_));
            if !*mode && !*options {
                self.0 = News::None;
            }
        }
    }

    /// The updates by which all clients are told.
    pub(super) fn take(&mut self, logged: Option<&LaneState>) -> Vec<RawBuf> {
        let News::Due { mode, options, .. } = std::mem::take(&mut self.0) else { return Vec::new() };
        let mode = mode.then(|| mode_update(logged, &[]));
        let options = options.then(|| options_update(logged, &[]));
        mode.into_iter().chain(options).collect()
    }
}

/// Update of the agent that tells all clients of the session or the lane itself.
#[derive(Debug)]
pub(super) enum Told<'a> {
    /// The session's title; nothing clears it.
    Title(Cow<'a, str>),
    /// The lane's mode.
    Mode(Cow<'a, str>),
    /// The lane's options.
    Options(Raw<'a>),
}

impl<'a> Told<'a> {
    /// News in the params of a `session/update`; nothing if there are none.
    pub(super) fn of(params: Raw<'a>) -> Option<Self> {
        let update = params.member("update")?;
        let kind = update.member("sessionUpdate")?.as_string()?;
        match &*kind {
            "session_info_update" => {
                let title = update.member("title")?;
                Some(Self::Title(if title.is_null() { "".into() } else { title.as_string()? }))
            }
            "current_mode_update" => Some(Self::Mode(update.member("currentModeId")?.as_string()?)),
            "config_option_update" => Some(Self::Options(update.member("configOptions")?)),
            _ => None,
        }
    }

    /// Change that it makes in the log.
    pub(super) fn change(&self, state: &State, lane: &str) -> Option<SessionUpdated> {
        match self {
            // It is the session's, and what `main` says counts: the agents of other lanes only know what was asked of them.
            Self::Title(title) => {
                let new = lane == Record::MAIN_LANE && *title != state.title().unwrap_or_default();
                new.then(|| SessionUpdated { title: Some(title.to_string()), ..SessionUpdated::default() })
            }
            Self::Mode(mode) => new_mode(state.lane(lane)?, mode),
            Self::Options(options) => new_options(state.lane(lane)?, *options),
        }
    }
}

/// Change in the log by a choice that the agent has accepted, the choice included; nothing if all of it is known.
pub(super) fn chosen(logged: Option<&LaneState>, made: Option<Choice>, result: Raw<'_>) -> Option<SessionUpdated> {
    let mut updated = match &made {
        Some(made) => change_of(logged, made, result),
        None => listed_options(logged, result).unwrap_or_default(),
    };
    let before = logged.and_then(|lane| lane.settings().options_in_force());
    let shown = updated.config_options.as_ref().map(RawBuf::as_raw).or(before);
    updated.chosen = made.map(|made| as_shown(made, shown));
    let newest = logged.and_then(|lane| lane.choices().last());
    let news = updated.mode.is_some() || updated.config_options.is_some() || updated.chosen.as_ref() != newest;
    news.then_some(updated)
}

/// Change of what is in force by a choice that the agent has accepted.
pub(super) fn change_of(logged: Option<&LaneState>, made: &Choice, result: Raw<'_>) -> SessionUpdated {
    let Some(logged) = logged else { return SessionUpdated::default() };
    if let Some(mode) = choice::mode_of(made) {
        return new_mode(logged, &mode).unwrap_or_default();
    }
    if let Some(updated) = listed_options(Some(logged), result) {
        return updated;
    }
    // It does not say what its options are now: as they were, but for this one.
    let options = logged.settings().options_in_force();
    let set = || choice::with_current(options?, &choice::option_of(made)?, choice::value_of(made)?);
    set().and_then(|options| new_options(logged, options.as_raw())).unwrap_or_default()
}

/// The options that an answer lists; nothing if it lists none.
fn listed_options(logged: Option<&LaneState>, result: Raw<'_>) -> Option<SessionUpdated> {
    let options = result.member("configOptions").filter(|options| options.kind() == RawKind::Array)?;
    Some(logged.and_then(|logged| new_options(logged, options)).unwrap_or_default())
}

/// Change of the mode; nothing if the lane's agent is in that mode.
fn new_mode(logged: &LaneState, mode: &str) -> Option<SessionUpdated> {
    let new = logged.settings().mode_in_force() != Some(mode);
    new.then(|| SessionUpdated { mode: Some(mode.to_owned()), ..SessionUpdated::default() })
}

/// Change of the options; nothing if the lane's agent has these.
fn new_options(logged: &LaneState, options: Raw<'_>) -> Option<SessionUpdated> {
    let new = options.kind() == RawKind::Array && logged.settings().options_in_force() != Some(options);
    new.then(|| SessionUpdated { config_options: Some(options.to_owned()), ..SessionUpdated::default() })
}

/// A choice with the value that the agent shows for it: of several names of one value the one that it uses itself.
fn as_shown(made: Choice, options: Option<Raw<'_>>) -> Choice {
    let shown = || choice::current(options?, &choice::option_of(&made)?).map(Raw::to_owned);
    match shown() {
        Some(value) => choice::with_value(&made, value.as_raw()),
        None => made,
    }
}

/// Updates that tell all clients what is in force after a start of the agent, where that is not what they know.
pub(super) fn after_restore(logged: Option<&LaneState>, told: &Claims, lost: &[LostChoice]) -> Vec<RawBuf> {
    let Some(lane) = logged else { return Vec::new() };
    let (of_options, of_mode): (Vec<_>, Vec<_>) =
        lost.iter().cloned().partition(|lost| choice::option_of(&lost.choice).is_some());
    let mode_is_news = lane.mode().is_some() && (told.unsure || lane.mode() != told.mode.as_deref());
    let known = told.config_options.as_ref().map(RawBuf::as_raw);
    let options_are_news = (told.unsure && lane.config_options().is_some()) || lane.config_options() != known;
    let mode = (mode_is_news || !of_mode.is_empty()).then(|| mode_update(logged, &of_mode));
    let options = (options_are_news || !of_options.is_empty()).then(|| options_update(logged, &of_options));
    mode.into_iter().chain(options).chain(notice(lane.name(), lost)).collect()
}

/// Updates that tell all clients what is lost while no agent is there that could say what is in force.
pub(super) fn after_loss(lane: &str, lost: &[LostChoice]) -> Vec<RawBuf> {
    let update = update(&json!({ "sessionUpdate": "session_info_update" }), None, lost);
    std::iter::once(update).chain(notice(lane, lost)).collect()
}

/// The update that tells all clients the session's title.
pub(super) fn titled(state: &State) -> Option<RawBuf> {
    let title = json!(state.title()?);
    Some(update(&json!({ "sessionUpdate": "session_info_update", "title": title }), None, &[]))
}

fn mode_update(logged: Option<&LaneState>, lost: &[LostChoice]) -> RawBuf {
    let said = match logged.and_then(LaneState::mode) {
        Some(mode) => json!({ "sessionUpdate": "current_mode_update", "currentModeId": mode }),
        // What is in force nobody knows.
        None => json!({ "sessionUpdate": "session_info_update" }),
    };
    update(&said, None, lost)
}

fn options_update(logged: Option<&LaneState>, lost: &[LostChoice]) -> RawBuf {
    let options = logged.and_then(LaneState::config_options).unwrap_or(Raw::EMPTY_ARRAY);
    update(&json!({ "sessionUpdate": "config_option_update" }), Some(("configOptions", options)), lost)
}

fn notice(lane: &str, lost: &[LostChoice]) -> Option<RawBuf> {
    if lost.is_empty() {
        return None;
    }
    let what: Vec<String> = lost.iter().map(|lost| choice::describe(&lost.choice)).collect();
    let title = format!("The agent was started again, and this is not in force any more: {}", what.join(", "));
    let why: Vec<String> =
        lost.iter().map(|lost| format!("{}: {}", choice::describe(&lost.choice), lost.reason)).collect();
    tracing::warn!(lane, lost = lost.len(), "an agent that was started again lost what clients chose");
    let notice =
        json!({ "sessionUpdate": "notice", "severity": "warning", "title": title, "description": why.join("\n") });
    Some(update(&notice, None, &[]))
}

/// The params of an update of ours. `raw` is a member that is passed on as the agent wrote it.
fn update(said: &Value, raw: Option<(&str, Raw<'_>)>, lost: &[LostChoice]) -> RawBuf {
    let mut update = RawBuf::trusted(said.to_string());
    if let Some((key, value)) = raw {
        update = rewrite::set_member(update.as_raw(), key, value);
    }
    if !lost.is_empty()
        && let Ok(lost) = RawBuf::encode(lost)
    {
        update = rewrite::set_path(update.as_raw(), &["_meta", META_KEY, "lost"], lost.as_raw());
    }
    RawBuf::trusted(format!(r#"{{"sessionId":null,"update":{}}}"#, update.as_str()))
}
