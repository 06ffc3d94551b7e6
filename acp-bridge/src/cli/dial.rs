//! `acp-bridge dial`: an agent here, for a bridge elsewhere. What passes between the two is decided by
//! [`crate::remote_agent::protocol`].

mod agent;
mod connect;
mod dialler;
mod served;

use acp_types::SessionId;
use tokio::signal::unix::{SignalKind, signal};

use self::dialler::Dialler;
use super::agent::Named;
use super::exit::{Exit, coded};
use super::{agent as named, args, client};
use crate::remote_agent::protocol::{Hello, VERSION};

/// Runs agents for a lane until somebody stops it, the bridge does not want it, or the bridge stays away.
pub(super) async fn run(args: args::Dial) -> anyhow::Result<()> {
    let address = connect::endpoint(&client::endpoint(&args.url.url)?);
    let Some(Named { spec, readable }) = named::spec(&args.agent).await? else {
        let message = "no agent; name a harness with --agent, or write the agent's command line after `--`";
        return Err(coded(Exit::Usage, message));
    };
    let allowed = args.reach.allowed(readable)?;
    let name = args.called.or(args.agent.name).unwrap_or_else(|| {
        let program = spec.program();
        program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
    });
    let hello = Hello {
        version: VERSION,
        dialler: uuid::Uuid::now_v7().to_string(),
        session: args.session.map(SessionId::from),
        lane: args.lane,
        agent: name,
        keep_ms: u64::try_from(args.give_up.as_millis()).unwrap_or(u64::MAX),
        once: args.instance.is_some(),
        instance: args.instance,
        ..Hello::default()
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Dialler::new(hello, spec, allowed, args.url.url, address, args.give_up).serve(stop).await
}
