//! The mode and the options of a lane's agent: what is in force, what clients chose, and what they have been told.

use acp_types::record::body::{AgentStarted, Choice, LostChoice};
use acp_types::{Raw, RawBuf};

use super::super::choice;
use super::choices::Choices;

/// Mode and options as clients were last told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Claims {
    pub(in super::super) mode: Option<String>,
    pub(in super::super) config_options: Option<RawBuf>,
    /// An agent that went before it had all may have told clients otherwise meanwhile.
    pub(in super::super) unsure: bool,
}

/// Mode and options of one lane. They outlive the agent process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Settings {
    mode: Option<String>,
    config_options: Option<RawBuf>,
    choices: Choices,
    /// Claims that hold for clients while an agent that was started again is given what they chose. Mode and options
    /// above are then what that agent says.
    claims: Option<Claims>,
}

impl Settings {
    /// The mode as far as clients know.
    pub(super) fn mode(&self) -> Option<&str> {
        self.claims.as_ref().map_or(&self.mode, |claims| &claims.mode).as_deref()
    }

    /// The options as far as clients know.
    pub(super) fn config_options(&self) -> Option<Raw<'_>> {
        let options = self.claims.as_ref().map_or(&self.config_options, |claims| &claims.config_options);
        options.as_ref().map(RawBuf::as_raw)
    }

    /// Choices of clients, the oldest first.
    pub(super) fn choices(&self) -> impl ExactSizeIterator<Item = &Choice> + '_ {
        self.choices.iter()
    }

    /// Claims that clients have been told, while they are not known to be in force.
    pub(in super::super) fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// The mode by the agent's own word, since its last start.
    pub(in super::super) fn mode_in_force(&self) -> Option<&str> {
        self.mode.as_deref()
    }

    /// The options by the agent's own word, since its last start.
    pub(in super::super) fn options_in_force(&self) -> Option<Raw<'_>> {
        self.config_options.as_ref().map(RawBuf::as_raw)
    }

    /// Returns whether a choice is in force; `None` if the agent has not said.
    pub(in super::super) fn in_force(&self, made: &Choice) -> Option<bool> {
        let wanted = choice::value_of(made)?;
        match choice::option_of(made) {
            Some(option) => Some(choice::same(choice::current(self.options_in_force()?, &option)?, wanted)),
            None => Some(wanted.as_string()? == self.mode.as_deref()?),
        }
    }

    /// Returns whether one more choice can be remembered.
    pub(in super::super) fn have_room_for(&self, made: &Choice) -> bool {
        self.choices.have_room_for(made, self.options_in_force())
    }

    /// Returns whether a choice is about the mode, be it as an option.
    pub(in super::super) fn is_about_mode(&self, made: &Choice) -> bool {
        Choices::is_about_mode(made, self.options_in_force().or(self.config_options()))
    }

    /// An agent serves the lane: its first one, or one that was started again.
    pub(super) fn agent_started(&mut self, started: &AgentStarted, first: bool) {
        let before = Claims { mode: self.mode.take(), config_options: self.config_options.take(), unsure: false };
        let before = self.claims.take().map_or(before, |claims| Claims { unsure: true, ..claims });
        let said = |key: &str| started.state.as_raw().member(key).filter(|value| !value.is_null());
        self.mode = said("modes").and_then(|modes| modes.member("currentModeId")?.as_string()).map(String::from);
        self.config_options = said("configOptions").map(Raw::to_owned);
        if first {
            return;
        }
        let settled = !before.unsure && self.agree_with(&before);
        self.claims = Some(before);
        if settled {
            self.settle(false, false);
        }
    }

    /// Returns whether an agent that was started again is as clients were told, so that nothing is to be done or said.
    fn agree_with(&self, claims: &Claims) -> bool {
        let mode = self.mode.is_none() || self.mode == claims.mode;
        let options = self.config_options.is_none() || self.config_options == claims.config_options;
        mode && options && self.choices.iter().all(|made| self.in_force(made) == Some(true))
    }

    /// Settles on what the agent has said of itself. Where it has said nothing, what clients were told holds, unless
    /// something of it is lost.
    fn settle(&mut self, mode_lost: bool, option_lost: bool) {
        let Some(claims) = self.claims.take() else { return };
        if self.mode.is_none() && !mode_lost {
            self.mode = claims.mode;
        }
        if self.config_options.is_none() && !option_lost {
            self.config_options = claims.config_options;
        }
    }

    /// The agent has been given what clients chose. One that is not `alive` has gone while it was.
    pub(super) fn restored(&mut self, lost: &[LostChoice], alive: bool) {
        let options = self.config_options.clone();
        let options = options.as_ref().map(RawBuf::as_raw);
        let (mut mode_lost, mut option_lost) = (false, false);
        for LostChoice { choice: lost, .. } in lost {
            mode_lost |= self.is_about_mode(lost);
            option_lost |= choice::option_of(lost).is_some();
            self.choices.remove(lost, options);
        }
        if alive {
            self.settle(mode_lost, option_lost);
        } else if let Some(claims) = self.claims.as_mut().filter(|_| mode_lost) {
            // The next agent is not to be put into a mode again in which this one has died.
            claims.mode = None;
        }
    }

    /// A turn runs: the agent has what it is given before. In a log that does not say so, it was given the mode.
    pub(super) fn turn_started(&mut self) {
        if let Some(claims) = self.claims.take() {
            self.mode = claims.mode.or_else(|| self.mode.take());
            self.config_options = self.config_options.take().or(claims.config_options);
        }
    }

    /// Mode or options have changed, or a client has chosen one. Absent ones stay as they are.
    pub(super) fn updated(&mut self, mode: Option<String>, config_options: Option<RawBuf>, chosen: Option<Choice>) {
        // While an agent is given what clients chose, what it says on the way changes none of that.
        let follow = self.claims.is_none();
        if let Some(mode) = mode {
            if follow {
                self.choices.mode_is(&mode, self.config_options.as_ref().map(RawBuf::as_raw));
            }
            self.mode = Some(mode);
        }
        if let Some(options) = config_options {
            if follow {
                self.choices.options_are(self.config_options.as_ref().map(RawBuf::as_raw), options.as_raw());
            }
            self.config_options = Some(options);
        }
        if let Some(chosen) = chosen {
            self.choices.add(chosen, self.config_options.as_ref().map(RawBuf::as_raw));
        }
    }
}
