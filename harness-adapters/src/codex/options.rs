//! The options of a session: mode, model, effort, plan mode.

mod choices;
mod chosen;
mod model;
mod modes;
mod settings;

pub(super) use chosen::{Access, Base, Chosen};
pub(super) use model::Model;
pub(super) use settings::{COLLABORATION, Settings};
