//! `acp-bridge serve`, and each of its two sides alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::agent_route::ToHost;
use super::detached_launcher::DetachedLauncher;
use super::exit::{Exit, coded};
use super::{agent, args, identity, offline, output, ownership};
use crate::log::Opener;
use crate::session::{Service, Services};
use crate::vault::{DirectoryVault, Vault};
use crate::{gateway, host, log, retention, vault};

/// Both sides in one process.
pub(super) async fn run(args: args::Serve, opener: Opener) -> anyhow::Result<()> {
    allow_many_files();
    let listener = bind(&args.listen).await?;
    let agent = agent_of(&args).await?;
    let value = |name: &str| std::env::var_os(name);
    let wanted = identity::Wanted::new(&args.agent, &args.reach, &args.env_from_client, value)?;
    let served = wanted.served(&args.log)?;
    // Not before it is known that there is something to serve: the file is made when there is none.
    let opened = ownership::open(&args.log, durability(&args), args.secrets.as_deref(), opener).await?;
    let log = Arc::clone(&opened.log);
    let address = listener.local_addr()?;
    let keep = args.keep_agents.map(|after| (format!("http://{address}"), after));
    let config = host_config(&args, agent, opened, keep)?;
    let stop = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let asked = CancellationToken::new();
    let host = host::Host::join(Arc::clone(&log), config, stop.child_token()).await?;
    let door = host.door();
    let host = tokio::spawn(host.run());
    let retention = tokio::spawn(retain(Arc::clone(&log), &args, stop.child_token()));
    let as_json = args.json;
    // The gateway goes last: its clients are to see how the host ended their turns.
    let gateway_stop = CancellationToken::new();
    let config = gateway_config(args, served, Some(door), &asked)?;
    let gateway = tokio::spawn(gateway::serve(listener, Arc::clone(&log), config, gateway_stop.clone()));
    announce(address, as_json)?;

    signals.stop_or(&asked).await;
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

/// The side that runs agents, alone. Clients come by gateways on the same log.
pub(super) async fn host(args: args::Serve, opener: Opener) -> anyhow::Result<()> {
    if args.keep_agents.is_some() {
        let message = "--keep-agents needs a gateway in the same process, where agents come back to; use `serve`";
        return Err(coded(Exit::Usage, message));
    }
    let agent = agent_of(&args).await?;
    let opened = ownership::open(&args.log, durability(&args), args.secrets.as_deref(), opener).await?;
    let log = Arc::clone(&opened.log);
    let config = host_config(&args, agent, opened, None)?;
    let stop = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let host = host::Host::join(Arc::clone(&log), config, stop.child_token()).await?;
    let retention = tokio::spawn(retain(Arc::clone(&log), &args, stop.child_token()));
    let host = tokio::spawn(host.run());
    output::json(&json!({ "event": "serving" }).to_string())?;

    signals.stop().await;
    tracing::info!("stopping");
    stop.cancel();
    retention.await.context("the retention of the log panicked")?;
    let hosted = host.await.context("the host panicked")?;
    log.shutdown().await;
    hosted.context("the host failed")
}

/// The side that serves clients, alone.
pub(super) async fn gateway(args: args::Serve, opener: Opener) -> anyhow::Result<()> {
    allow_many_files();
    let listener = bind(&args.listen).await?;
    let log = ownership::open(&args.log, durability(&args), args.secrets.as_deref(), opener).await?.log;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let asked = CancellationToken::new();
    let as_json = args.json;
    let config = gateway_config(args, gateway::Served::default(), None, &asked)?;
    let gateway = tokio::spawn(gateway::serve(listener, Arc::clone(&log), config, stop.clone()));
    announce(address, as_json)?;

    signals.stop_or(&asked).await;
    tracing::info!("stopping");
    stop.cancel();
    let served = gateway.await.context("the gateway panicked")?;
    log.shutdown().await;
    served.context("the gateway failed")
}

/// TERM and Ctrl-C, from the moment that it is made.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The first of them, or that a client asks for it.
    async fn stop_or(&mut self, asked: &CancellationToken) {
        tokio::select! {
            () = self.stop() => {}
            () = asked.cancelled() => {}
        }
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn agent_of(args: &args::Serve) -> anyhow::Result<agent::Named> {
    let message = "no agent; name a harness with --agent, or write the agent's command line after `--`";
    agent::spec(&args.agent).await?.ok_or_else(|| coded(Exit::Usage, message))
}

fn durability(args: &args::Serve) -> log::Durability {
    match args.durability {
        args::Durability::Fsync => log::Durability::Fsync,
        args::Durability::Os => log::Durability::Os,
    }
}

/// `keep`: where agents that outlive this process come back to, and how long they wait for it.
fn host_config(
    args: &args::Serve,
    agent: agent::Named,
    opened: ownership::Opened,
    keep: Option<(String, Duration)>,
) -> anyhow::Result<host::Config> {
    let agent::Named { spec, readable } = agent;
    let allowed = Arc::new(args.reach.allowed(readable)?);
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
    config.session.services = services(args);
    config.session.unattended = args.unattended.clone();
    config.lease = args.lease;
    config.vault = vault_of(args)?;
    if let Some((url, after)) = keep {
        config.launcher = Arc::new(DetachedLauncher { url, after, allowed: Arc::clone(&allowed) });
    }
    config.allowed = allowed;
    Ok(config)
}

/// Vault where commands leave their secrets.
fn vault_of(args: &args::Serve) -> anyhow::Result<Arc<dyn Vault>> {
    Ok(match &args.vault {
        Some(directory) => Arc::new(DirectoryVault::open(directory).context("--vault")?),
        None => vault::shared(),
    })
}

/// `door`: where agents that dial in are handed in, if there is a host in this process. `asked`: cancelled when a client
/// stops the bridge.
fn gateway_config(
    args: args::Serve,
    served: gateway::Served,
    door: Option<host::AgentDoor>,
    asked: &CancellationToken,
) -> anyhow::Result<gateway::Config> {
    Ok(gateway::Config {
        agents: Some(Arc::new(ToHost { door })),
        stop: Some(asked.clone()),
        vault: vault_of(&args)?,
        max_connections: args.max_clients,
        allow_origins: args.allow_origin.into(),
        lease: args.lease,
        served,
        ..gateway::Config::default()
    })
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
fn retain(
    log: Arc<dyn log::SessionLog>,
    args: &args::Serve,
    stop: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let policy = retention::Policy { age: args.retain_age, bytes: args.retain_size };
    let (idle, every) = (args.delete_idle, args.retain_every);
    async move {
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
