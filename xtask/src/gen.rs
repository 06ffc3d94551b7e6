//! `cargo xtask gen`: writes generated files again.

use crate::run::{cargo, execute};

pub(crate) fn run() -> anyhow::Result<()> {
    execute(cargo().args(["test", "--package", "acp-types", "--all-features"]).env("UPDATE_GOLDEN", "1"))
}
