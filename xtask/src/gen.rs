//! `cargo xtask gen`: writes generated files again.

use crate::run::{cargo, execute};

pub(crate) fn run() -> anyhow::Result<()> {
    execute(cargo().args(["test", "--package", "acp-types", "--all-features"]).env("UPDATE_GOLDEN", "1"))?;
    let commands = ["test", "--package", "acp-bridge", "--all-features", "--lib", "command::tests::the_schema"];
    execute(cargo().args(commands).env("UPDATE_GOLDEN", "1"))
}
