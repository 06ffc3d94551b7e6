//! Slash commands.

use std::collections::BTreeSet;

use acp_types::v1;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::claude::wire::system::Init;

/// Commands that need a terminal, as far as known before the program says so.
const TERMINAL: [&str; 4] = ["doctor", "color", "focus", "reload-plugins"];
/// A command that begins another session.
const CLEAR: &str = "clear";

/// The commands of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Commands(Vec<Command>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Command {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    argument_hint: String,
}

impl Commands {
    /// Reads the commands from the program's answer to `initialize`.
    pub(crate) fn read(initialized: &Value) -> Self {
        let commands = initialized.get("commands").and_then(Value::as_array).into_iter().flatten();
        let commands = commands.filter_map(|command| serde_json::from_value(command.clone()).ok());
        let commands = commands.filter(|command: &Command| offered(&command.name, &TERMINAL));
        Self(commands.collect())
    }

    /// Takes over the program's list of commands; true if it changed.
    pub(super) fn hear(&mut self, init: &Init) -> bool {
        let Some(names) = &init.slash_commands else { return false };
        let terminal: Vec<&str> = init.terminal_slash_commands.iter().map(String::as_str).collect();
        let offered: BTreeSet<&str> =
            names.iter().map(String::as_str).filter(|name| offered(name, &terminal)).collect();
        let before = self.0.len();
        self.0.retain(|command| offered.contains(command.name.as_str()));
        let mut changed = self.0.len() < before;
        for name in offered {
            if self.0.iter().all(|command| command.name != name) {
                let command =
                    Command { name: name.to_owned(), description: String::new(), argument_hint: String::new() };
                self.0.push(command);
                changed = true;
            }
        }
        changed
    }

    /// True if there is such a command.
    pub(super) fn know(&self, name: &str) -> bool {
        self.0.iter().any(|command| command.name == name)
    }

    /// All of them, as the client sees them.
    pub(crate) fn update(&self) -> v1::SessionUpdate {
        let commands = self.0.iter().map(|command| {
            let input = Some(&command.argument_hint)
                .filter(|hint| !hint.is_empty())
                .map(|hint| v1::AvailableCommandInput::Unstructured(v1::UnstructuredCommandInput::new(hint.clone())));
            v1::AvailableCommand::new(command.name.clone(), command.description.clone()).input(input)
        });
        v1::SessionUpdate::AvailableCommandsUpdate(v1::AvailableCommandsUpdate::new(commands.collect()))
    }
}

fn offered(name: &str, terminal: &[&str]) -> bool {
    !name.starts_with("__") && name != CLEAR && !terminal.contains(&name)
}
