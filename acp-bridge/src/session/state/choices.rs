//! Choices for a lane's agent, in the order in which they are to be made again.

use acp_types::Raw;
use acp_types::record::body::Choice;

use super::super::choice;

/// Choices that are remembered for each lane.
const MAX: usize = 64;

/// Bytes of them.
const MAX_BYTES: usize = 64 << 10;

/// Subject of a choice. The option that stands for the mode is the mode.
#[derive(Debug, PartialEq, Eq)]
enum Slot {
    Mode,
    Option(String),
}

impl Slot {
    fn of(made: &Choice, options: Option<Raw<'_>>) -> Self {
        match choice::option_of(made) {
            Some(option) if choice::mode_option(options).is_none_or(|mode| mode != option) => {
                Self::Option(option.into_owned())
            }
            _ => Self::Mode,
        }
    }
}

/// The last choice about each thing, the oldest first. Each has the value that was last in force: what the agent itself
/// changes later is not set back by a new start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choices(Vec<Choice>);

impl Choices {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Choice> + '_ {
        self.0.iter()
    }

    /// Returns whether a choice of this can be remembered beside the others.
    pub(super) fn have_room_for(&self, made: &Choice, options: Option<Raw<'_>>) -> bool {
        let slot = Slot::of(made, options);
        let others = || self.0.iter().filter(|other| Slot::of(other, options) != slot);
        others().count() < MAX && others().map(weight).sum::<usize>() + weight(made) <= MAX_BYTES
    }

    /// Takes a choice as the newest. At the limits the oldest goes; the machine refuses a choice before it comes to that.
    pub(super) fn add(&mut self, made: Choice, options: Option<Raw<'_>>) {
        self.remove(&made, options);
        self.0.push(made);
        while self.0.len() > MAX || self.0.iter().map(weight).sum::<usize>() > MAX_BYTES {
            self.0.remove(0);
        }
    }

    /// Forgets what was chosen about the same thing.
    pub(super) fn remove(&mut self, made: &Choice, options: Option<Raw<'_>>) {
        let slot = Slot::of(made, options);
        self.0.retain(|other| Slot::of(other, options) != slot);
    }

    /// Returns whether a choice is about the mode.
    pub(super) fn is_about_mode(made: &Choice, options: Option<Raw<'_>>) -> bool {
        Slot::of(made, options) == Slot::Mode
    }

    /// The agent is in this mode. One that nobody chose is remembered as well: what the agent may do depends on it.
    pub(super) fn mode_is(&mut self, mode: &str, options: Option<Raw<'_>>) {
        let Some(unchosen) = choice::of_mode(mode) else { return };
        match self.0.iter_mut().find(|made| Slot::of(made, options) == Slot::Mode) {
            Some(made) => follow(made, choice::value_of(&unchosen).unwrap_or(Raw::NULL)),
            None => self.add(unchosen, options),
        }
    }

    /// The agent has these options. Only what differs from those before is news: an agent may say the mode in one place
    /// and not in the other.
    pub(super) fn options_are(&mut self, before: Option<Raw<'_>>, now: Raw<'_>) {
        let mode_option = choice::mode_option(Some(now));
        self.0.retain_mut(|made| {
            let option = choice::option_of(made).map(|option| option.into_owned());
            let Some(id) = option.or_else(|| mode_option.as_deref().map(str::to_owned)) else { return true };
            let was = before.and_then(|before| choice::current(before, &id));
            match choice::current(now, &id) {
                Some(is) if was.is_none_or(|was| !choice::same(was, is)) => {
                    follow(made, is);
                    true
                }
                Some(_) => true,
                // An option that is no more is not in force, which the list says.
                None => was.is_none(),
            }
        });
    }
}

fn follow(made: &mut Choice, value: Raw<'_>) {
    if choice::value_of(made).is_none_or(|is| !choice::same(is, value)) {
        *made = choice::with_value(made, value);
    }
}

fn weight(made: &Choice) -> usize {
    made.method.len() + made.params.as_str().len()
}

#[cfg(test)]
mod tests {
    use acp_types::{Raw, RawBuf};

    use super::super::super::choice;
    use super::{Choices, MAX, MAX_BYTES};

    fn parse(text: &str) -> Raw<'_> {
        Raw::parse(text).unwrap()
    }

    fn option(id: &str, value: &str) -> super::Choice {
        let params = serde_json::json!({ "configId": id, "value": value }).to_string();
        choice::of_request("session/set_config_option", parse(&params)).unwrap()
    }

    fn mode(mode: &str) -> super::Choice {
        choice::of_mode(mode).unwrap()
    }

    fn made(choices: &Choices) -> Vec<String> {
        choices.iter().map(choice::describe).collect()
    }

    const OPTIONS: &str = r#"[{"id":"m","category":"mode","currentValue":"ask"},{"id":"e","currentValue":"low"}]"#;

    #[test]
    fn the_last_choice_about_each_thing_is_kept_in_order() {
        let mut choices = Choices::default();
        for choice in [option("e", "high"), mode("plan"), option("x", "1"), option("e", "low")] {
            choices.add(choice, None);
        }
        assert_eq!(made(&choices), [r#"the mode "plan""#, r#"the option "x" = "1""#, r#"the option "e" = "low""#]);
    }

    #[test]
    fn the_option_that_stands_for_the_mode_is_the_mode() {
        let options = Some(parse(OPTIONS));
        let mut choices = Choices::default();
        choices.add(mode("plan"), options);
        choices.add(option("m", "auto"), options);
        assert_eq!(made(&choices), [r#"the option "m" = "auto""#]);
        choices.mode_is("ask", options);
        assert_eq!(made(&choices), [r#"the option "m" = "ask""#], "the agent has left the mode");
        choices.add(mode("plan"), options);
        choices.options_are(options, parse(&OPTIONS.replace("ask", "auto")));
        assert_eq!(made(&choices), [r#"the mode "auto""#]);
    }

    #[test]
    fn what_the_agent_changes_or_takes_away_is_not_set_back() {
        let options = Some(parse(OPTIONS));
        let mut choices = Choices::default();
        choices.add(option("e", "low"), options);
        choices.add(option("unlisted", "1"), options);
        choices.options_are(options, parse(OPTIONS));
        assert_eq!(choices.iter().len(), 2, "the same list is no news, nor is an option that was in none");
        choices.options_are(options, parse(r#"[{"id":"e","currentValue":"high"}]"#));
        assert_eq!(made(&choices), [r#"the option "e" = "high""#, r#"the option "unlisted" = "1""#]);
        choices.options_are(Some(parse(r#"[{"id":"e","currentValue":"high"}]"#)), Raw::EMPTY_ARRAY);
        assert_eq!(made(&choices), [r#"the option "unlisted" = "1""#]);
    }

    #[test]
    fn they_are_bounded() {
        let mut choices = Choices::default();
        for number in 0..MAX {
            let choice = option(&number.to_string(), "v");
            assert!(choices.have_room_for(&choice, None));
            choices.add(choice, None);
        }
        assert!(!choices.have_room_for(&option("more", "v"), None));
        assert!(choices.have_room_for(&option("7", "again"), None), "another value needs no more room");
        choices.add(option("more", "v"), None);
        assert_eq!(choices.iter().len(), MAX);
        let large = option("large", &"x".repeat(MAX_BYTES));
        assert!(!Choices::default().have_room_for(&large, None));
        let params =
            RawBuf::encode(&serde_json::json!({ "configId": "l", "value": "x".repeat(MAX_BYTES / 2) })).unwrap();
        let half = choice::of_request("session/set_config_option", params.as_raw()).unwrap();
        choices.add(half.clone(), None);
        choices.add(option("last", &"x".repeat(MAX_BYTES / 2)), None);
        assert_eq!(choices.iter().len(), 1, "the newest, within the bytes");
    }
}
