//! An agent that writes down what it is told: whether it was started at all, and with what.

use std::path::Path;

use crate::support::{Options, example};

/// The fault agent behind a tap: all that it reads is in `file`, which is there once it was started.
pub(crate) fn tapped_agent(file: &Path) -> Options {
    let mut options = Options::fault_agent(&[]);
    let script = format!("tee -a '{}' | '{}'", file.display(), example("fault_agent"));
    options.agent = ["sh", "-c", &script].map(str::to_owned).to_vec();
    options
}

/// What the agents were told; `None` if none was started.
pub(crate) fn told(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok()
}
