//! `acp-bridge serve`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, coded};
use super::{agent, args, identity, keep, offline, output, ownership};
use crate::session::{Service, Services};
use crate::{gateway, host, log, retention};

pub(super) async fn run(args: args::Serve) -> anyhow::Result<()> {
    allow_many_files();
    let listener = bind(&args.listen).await?;
    let durability = match args.durability {
        args::Durability::Fsync => log::Durability::Fsync,
        args::Durability::Os => log::Durability::Os,
    };
    let Some(agent::Named { spec, readable }) = agent::spec(&args.agent).await? else {
        let message = "no agent; name a harness with --agent, or write the agent's command line after `--`";
        return Err(coded(Exit::Usage, message));
    };
    let allowed = Arc::new(args.reach.allowed(readable)?);
    let served =
        identity::served(&args.agent, &args.reach, &args.env_from_client, &args.log, |name| std::env::var_os(name))?;
    // Not before it is known that there is something to serve: the file is made when there is none.
    let opened = ownership::open(&args.log, durability, args.secrets.as_deref()).await?;
    let log = opened.log;
    let mut config = host::Config::new(spec);
    config.secrets = opened.secrets;
    config.session.fingerprint_key = opened.fingerprint_key;
    config.profiles = Arc::new(agent::Harnesses);
    config.start_timeout = args.start_timeout;
    config.max_agents = args.max_agents.map_or_else(default_max_agents, std::num::NonZeroUsize::get);
    config.agent_idle = args.agent_idle.0;
    config.session.restore_grace = args.start_timeout;
    config.session.cancel_grace = args.cancel_grace;
    config.session.accept_context_loss = args.accept_context_loss;
    config.session.services = services(&args);
    config.allowed = Arc::clone(&allowed);
    config.session.unattended = args.unattended;

    let address = listener.local_addr()?;
    if let Some(after) = args.keep_agents {
        config.keeper = Some(Arc::new(keep::Diallers { url: format!("http://{address}"), after, allowed }));
    }
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let host = host::Host::join(Arc::clone(&log), config, stop.child_token()).await?;
    let door = host.door();
    let host = tokio::spawn(host.run());
    let policy = retention::Policy { age: args.retain_age, bytes: args.retain_size };
    let retention = retain(Arc::clone(&log), policy, args.delete_idle, args.retain_every, stop.child_token());
    let retention = tokio::spawn(retention);
    // The gateway goes last: its clients are to see how the host ended their turns.
    let gateway_stop = CancellationToken::new();
    let gateway_config = gateway::Config {
        max_connections: args.max_clients,
        allow_origins: args.allow_origin.into(),
        served,
        agents: Some(door),
        ..gateway::Config::default()
    };
    let gateway = gateway::serve(listener, Arc::clone(&log), gateway_config, gateway_stop.clone());
    let gateway = tokio::spawn(gateway);
    announce(address, args.json)?;

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
    retention.await.context("the retention of the log panicked")?;
    let hosted = host.await.context("the host panicked")?;
    gateway_stop.cancel();
    let served = gateway.await.context("the gateway panicked")?;
    log.shutdown().await;
    hosted.context("the host failed")?;
    served.context("the gateway failed")?;
    Ok(())
}

/// Raises the limit of open files to what the system lets this process have: each client is one.
fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised; many clients may not get in");
    }
}

/// Trims what is old and deletes what nobody uses, for as long as the bridge runs.
async fn retain(
    log: Arc<dyn log::SessionLog>,
    policy: retention::Policy,
    idle: Option<Duration>,
    every: Duration,
    stop: CancellationToken,
) {
    let trim = async {
        if !policy.keeps_everything() {
            retention::keep(&*log, policy, every, offline::now, stop.clone()).await;
        }
    };
    let delete = async {
        if let Some(age) = idle {
            retention::keep_used(&*log, age, every, offline::now, stop.clone()).await;
        }
    };
    tokio::join!(trim, delete);
}

/// One agent for each 256 MiB of memory, within bounds.
fn default_max_agents() -> usize {
    const EACH: u64 = 256 << 20;
    let number = memory().map_or(64, |bytes| bytes / EACH);
    usize::try_from(number.clamp(16, 1024)).unwrap_or(16)
}

/// The machine's memory in bytes, or less if this process may not have all of it; `None` where nobody says.
fn memory() -> Option<u64> {
    let total = std::fs::read_to_string("/proc/meminfo").ok();
    let total = total.as_deref().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    });
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse().ok());
    [total, group].into_iter().flatten().min()
}

fn services(args: &args::Serve) -> Services {
    let of = |off| match (args.client_fs, off) {
        (true, _) => Service::Client,
        (false, true) => Service::Nobody,
        (false, false) => Service::Host,
    };
    Services { files: of(args.no_host_fs), terminals: of(args.no_host_terminal) }
}

/// Binds a loopback address; any other would let everybody on the network run the agent.
async fn bind(listen: &str) -> anyhow::Result<TcpListener> {
    let full = if listen.starts_with(':') { format!("127.0.0.1{listen}") } else { listen.to_owned() };
    let address: SocketAddr = full
        .replace("localhost", "127.0.0.1")
        .parse()
        .map_err(|_| coded(Exit::Usage, format!("{listen:?} is no address; write 127.0.0.1:PORT or :0")))?;
    if !address.ip().is_loopback() {
        bail!(coded(
            Exit::Usage,
            format!("{address} is not a loopback address; whoever reaches it could run the agent, so it is refused")
        ));
    }
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; another --listen, or :0 for a free port"))
}

fn announce(address: SocketAddr, as_json: bool) -> std::io::Result<()> {
    let url = format!("http://{address}");
    if as_json {
        output::json(&json!({ "event": "listening", "url": url }).to_string())
    } else {
        output::line(&format!("acp-bridge listens on {url} (ACP: ws://{address}/acp)"))
    }
}
