//! Telling every client what mode and options are in force, when the agent does not say so itself.

use acp_types::meta::META_KEY;
use acp_types::record::body::{Choice, LostChoice, SessionUpdated};
use acp_types::record::{Kind, Origin};
use acp_types::{Raw, RawBuf, RawKind, rewrite};
use serde_json::{Value, json};

use super::super::choice;
use super::super::state::Claims;
use super::lane::Lane;
use super::recorder::Step;
use super::restore::after;

/// What only the one client knows that has set it, until the agent tells all, or the bridge does in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announcement {
    mode: bool,
    options: bool,
    pub(super) deadline: u64,
}

impl Lane {
    /// The agent has accepted what a client set.
    pub(super) fn chosen(&mut self, step: &mut Step<'_>, origin: &Origin, made: Option<Choice>, result: Raw<'_>) {
        let mut updated = match &made {
            Some(made) => self.change_of(step, made, result),
            None => self.listed_options(step, result).unwrap_or_default(),
        };
        let (mode, options) = (updated.mode.is_some(), updated.config_options.is_some());
        let logged = self.logged(step.state());
        let before = logged.and_then(|lane| lane.settings().options_in_force());
        let shown = updated.config_options.as_ref().map(RawBuf::as_raw).or(before);
        updated.chosen = made.map(|made| as_shown(made, shown));
        let newest = logged.and_then(|lane| lane.choices().last());
        if !mode && !options && updated.chosen.as_ref() == newest {
            return;
        }
        self.record(step, Kind::SessionUpdated, origin.clone(), None, &updated);
        if mode || options {
            let deadline = after(step.at, step.config().announce_after);
            let before = self.announcement.unwrap_or(Announcement { mode: false, options: false, deadline });
            let (mode, options) = (mode || before.mode, options || before.options);
            self.announcement = Some(Announcement { mode, options, ..before });
        }
    }

    /// What a choice that the agent has accepted changes.
    pub(super) fn change_of(&self, step: &Step<'_>, made: &Choice, result: Raw<'_>) -> SessionUpdated {
        if let Some(mode) = choice::mode_of(made) {
            return self.new_mode(step, &mode).unwrap_or_default();
        }
        if let Some(updated) = self.listed_options(step, result) {
            return updated;
        }
        // It does not say what its options are now: as they were, but for this one.
        let options = self.logged(step.state()).and_then(|lane| lane.settings().options_in_force());
        let set = || choice::with_current(options?, &choice::option_of(made)?, choice::value_of(made)?);
        set().and_then(|options| self.new_options(step, options.as_raw())).unwrap_or_default()
    }

    /// The options that an answer lists; nothing if it lists none.
    fn listed_options(&self, step: &Step<'_>, result: Raw<'_>) -> Option<SessionUpdated> {
        let options = result.member("configOptions").filter(|options| options.kind() == RawKind::Array)?;
        Some(self.new_options(step, options).unwrap_or_default())
    }

    /// The agent tells all clients its mode or its options: nobody else needs to.
    pub(super) fn agent_told(&mut self, mode: Option<&str>, options: Option<Raw<'_>>) {
        self.told_while_restoring(mode, options);
        if let Some(announcement) = &mut self.announcement {
            announcement.mode &= mode.is_none();
            announcement.options &= options.is_none();
            if !announcement.mode && !announcement.options {
                self.announcement = None;
            }
        }
    }

    /// The agent has had its time to say it.
    pub(super) fn tick_announcement(&mut self, step: &mut Step<'_>) {
        if self.announcement.is_some_and(|announcement| step.at >= announcement.deadline) {
            self.announce(step);
        }
    }

    /// Tells all clients what the agent has not told them.
    pub(super) fn announce(&mut self, step: &mut Step<'_>) {
        let Some(Announcement { mode, options, .. }) = self.announcement.take() else { return };
        if mode {
            self.tell_mode(step, &[]);
        }
        if options {
            self.tell_options(step, &[]);
        }
    }

    /// Tells all clients what is in force after a start of the agent, where that is not what they know.
    pub(super) fn tell_restored(&mut self, step: &mut Step<'_>, told: &Claims, lost: &[LostChoice]) {
        let Some(logged) = self.logged(step.state()) else { return };
        let (of_options, of_mode): (Vec<_>, Vec<_>) =
            lost.iter().cloned().partition(|lost| choice::option_of(&lost.choice).is_some());
        let mode_is_news = logged.mode().is_some() && (told.unsure || logged.mode() != told.mode.as_deref());
        let known = told.config_options.as_ref().map(RawBuf::as_raw);
        let options_are_news = (told.unsure && logged.config_options().is_some()) || logged.config_options() != known;
        if mode_is_news || !of_mode.is_empty() {
            self.tell_mode(step, &of_mode);
        }
        if options_are_news || !of_options.is_empty() {
            self.tell_options(step, &of_options);
        }
        self.tell_notice(step, lost);
    }

    /// Tells all clients that something is lost while no agent is there that could say what is in force.
    pub(super) fn tell_lost(&mut self, step: &mut Step<'_>, lost: &[LostChoice]) {
        self.tell(step, json!({ "sessionUpdate": "session_info_update" }), lost);
        self.tell_notice(step, lost);
    }

    fn tell_mode(&mut self, step: &mut Step<'_>, lost: &[LostChoice]) {
        let mode = self.logged(step.state()).and_then(|lane| lane.mode());
        let update = match mode {
            Some(mode) => json!({ "sessionUpdate": "current_mode_update", "currentModeId": mode }),
            // What is in force nobody knows.
            None => json!({ "sessionUpdate": "session_info_update" }),
        };
        self.tell(step, update, lost);
    }

    fn tell_options(&mut self, step: &mut Step<'_>, lost: &[LostChoice]) {
        let options = self.logged(step.state()).and_then(|lane| lane.config_options());
        let options = options.unwrap_or(Raw::EMPTY_ARRAY).to_owned();
        let update = json!({ "sessionUpdate": "config_option_update" });
        self.tell_with(step, update, Some(("configOptions", options)), lost);
    }

    fn tell_notice(&mut self, step: &mut Step<'_>, lost: &[LostChoice]) {
        if lost.is_empty() {
            return;
        }
        let what: Vec<String> = lost.iter().map(|lost| choice::describe(&lost.choice)).collect();
        let title = format!("The agent was started again, and this is not in force any more: {}", what.join(", "));
        let why: Vec<String> =
            lost.iter().map(|lost| format!("{}: {}", choice::describe(&lost.choice), lost.reason)).collect();
        tracing::warn!(
            lane = &*self.name,
            lost = lost.len(),
            "an agent that was started again lost what clients chose"
        );
        let notice =
            json!({ "sessionUpdate": "notice", "severity": "warning", "title": title, "description": why.join("\n") });
        self.tell(step, notice, &[]);
    }

    fn tell(&mut self, step: &mut Step<'_>, update: Value, lost: &[LostChoice]) {
        self.tell_with(step, update, None, lost);
    }

    /// Records an update of ours. `raw` is a member that is passed on as the agent wrote it.
    fn tell_with(&mut self, step: &mut Step<'_>, update: Value, raw: Option<(&str, RawBuf)>, lost: &[LostChoice]) {
        let mut update = RawBuf::trusted(update.to_string());
        if let Some((key, value)) = raw {
            update = rewrite::set_member(update.as_raw(), key, value.as_raw());
        }
        if !lost.is_empty()
            && let Ok(lost) = RawBuf::encode(lost)
        {
            update = rewrite::set_path(update.as_raw(), &["_meta", META_KEY, "lost"], lost.as_raw());
        }
        let params = format!(r#"{{"sessionId":null,"update":{}}}"#, update.as_str());
        let turn = self.running(step);
        self.record_update(step, Origin::Host, turn, Raw::trusted(&params));
    }
}

/// A choice with the value that the agent shows for it: of several names of one value the one that it uses itself.
fn as_shown(made: Choice, options: Option<Raw<'_>>) -> Choice {
    let shown = || choice::current(options?, &choice::option_of(&made)?).map(Raw::to_owned);
    match shown() {
        Some(value) => choice::with_value(&made, value.as_raw()),
        None => made,
    }
}
