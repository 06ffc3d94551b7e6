//! What several commands have: defaults, and the bridge that they ask.

use clap::Args as ClapArgs;

/// Where `serve` listens and where the other commands look for it.
pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:4477";
/// The log of `serve`, and of the commands that work on a log themselves.
pub(super) const DEFAULT_LOG: &str = "sqlite:acp-bridge.db";
/// `http://` and [`DEFAULT_LISTEN`].
pub(super) const DEFAULT_URL: &str = "http://127.0.0.1:4477";

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Url {
    /// The running bridge.
    #[arg(long, env = "ACP_BRIDGE_URL", default_value = DEFAULT_URL, global = true)]
    pub(in crate::cli) url: String,
}
