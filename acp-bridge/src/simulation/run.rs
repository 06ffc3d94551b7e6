//! What happens in a run, one step after the other, until everything is settled.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use acp_types::record::{Kind, Origin, Record};

use super::check;
use super::client::Client;
use super::fault::Fault;
use super::host::LEASE;
use super::link::Fate;
use super::world::World;

/// Steps with faults.
const STEPS: usize = 300;
/// Rounds without, by which everything is to have settled.
const ROUNDS: usize = 600;
/// Hosts at once, of which some are stalled.
const HOSTS: usize = 3;

/// Time without events after all is settled, so that deadlines pass.
const QUIET: Duration = Duration::from_secs(20);

/// Lets it happen, lets it settle, and checks the promises.
pub(super) async fn run(seed: u64, fault: Option<Fault>) -> World {
    let mut world = World::new(seed, fault).await;
    for _ in 0..STEPS {
        step(&mut world).await;
        world.moment().await;
    }
    calm(&mut world).await;
    if settle(&mut world).await {
        world.pass(QUIET).await;
        if settle(&mut world).await {
            let evidence = world.evidence();
            check::promises(&evidence, &mut world.findings);
            count(&mut world);
            return world;
        }
    }
    let open: Vec<_> = world.clients.iter().flat_map(Client::open).collect();
    world.findings.broken("P7", format!("it does not settle; nobody answers {open:?}"));
    world
}

async fn step(world: &mut World) {
    let client = world.dice.below(world.clients.len());
    match world.dice.below(80) {
        0..=7 => wants(world, client),
        8 => world.clients[client].cancel(&mut world.dice),
        9..=13 => {
            let which = world.dice.below(4);
            world.clients[client].answer(which);
        }
        14 | 15 => {
            let takes = world.dice.percent(75);
            world.hosts.iter().for_each(|host| host.process.take(takes));
        }
        16..=31 => act(world),
        32..=45 => write(world).await,
        46..=57 => read(world),
        58 | 59 if world.dice.percent(30) => world.drop_client(client).await,
        60 if world.dice.percent(60) => world.kill_agent(),
        62 if world.dice.percent(25) => kill_host(world).await,
        63 | 64 if world.dice.percent(40) => {
            let time = [40, 200, 600, 11_000][world.dice.below(4)];
            world.pass(Duration::from_millis(time)).await;
        }
        65 | 66 if world.dice.percent(60) => world.clients[client].add_lane(),
        67 if world.dice.percent(40) => stall(world).await,
        68 | 69 => world.clients[client].choose(&mut world.dice),
        70 if world.dice.percent(15) && world.gateways.len() > 1 => {
            let at = world.dice.below(world.gateways.len());
            world.kill_gateway(at);
            world.start_gateway().await;
        }
        71 if world.dice.percent(30) => {
            if let Some(host) = any_host(world)
                && world.ground.disk.refuse(&world.hosts[host].process)
            {
                world.tally.once("append refused");
            }
        }
        61 | 72 => world.is_smooth = world.dice.percent(50),
        _ => world.ground.disk.publish(Some(&mut world.dice)),
    }
    if world.is_smooth {
        world.hosts.iter().for_each(|host| host.process.take(true));
        world.let_writes_happen();
        act(world);
        read(world);
    }
}

/// Agents do something.
fn act(world: &mut World) {
    let stops = world.ground.agents.act(false);
    world.stopped(stops);
}

/// Clients read what was written to them, some of it.
fn read(world: &mut World) {
    for client in &mut world.clients {
        if world.dice.percent(70) {
            client.read(&world.ground.disk, 1 + world.dice.below(8));
        }
    }
}

fn any_host(world: &mut World) -> Option<usize> {
    let count = world.hosts.len();
    (count > 0).then(|| world.dice.below(count))
}

fn wants(world: &mut World, client: usize) {
    if world.clients[client].link.is_none() {
        return world.connect(client, false);
    }
    let it = &mut world.clients[client];
    let open = it.open();
    match open.first() {
        Some(key) if world.dice.percent(50) || open.len() > 2 => it.prompt(key),
        _ => it.prompt_anew(&mut world.dice),
    }
}

/// Some of what a host has written is stored, and of some it hears that it is.
async fn write(world: &mut World) {
    let Some(host) = any_host(world) else { return world.start_host().await };
    for _ in 0..=world.dice.below(6) {
        let process = Arc::clone(&world.hosts[host].process);
        let (written, stored) = world.ground.disk.held(&process);
        if written + stored > 1 {
            world.tally.once("writes overlap");
        }
        if stored > 0 && (written == 0 || world.dice.percent(60)) {
            world.ground.disk.acknowledge(&process);
            world.moment().await;
        } else if written > 0 {
            world.ground.disk.store(&process);
        }
        if world.dice.percent(70) {
            world.ground.disk.publish(Some(&mut world.dice));
        }
    }
}

async fn kill_host(world: &mut World) {
    let Some(host) = any_host(world) else { return };
    world.kill_host(host);
    if world.dice.percent(70) {
        world.start_host().await;
    }
    if world.dice.percent(70) {
        world.pass(LEASE * 2).await;
    }
}

/// A host is stopped for a while, so that it may lose its lease, or goes on.
async fn stall(world: &mut World) {
    let stalled = world.hosts.iter().position(|host| host.process.is_stalled());
    match stalled {
        Some(host) if world.dice.percent(60) => world.hosts[host].process.go_on(),
        _ => {
            let Some(host) = any_host(world) else { return };
            world.hosts[host].process.stall();
            world.tally.once("host stalled");
            if world.hosts.len() < HOSTS && world.dice.percent(70) {
                world.start_host().await;
            }
            if world.dice.percent(60) {
                world.pass(LEASE * 2).await;
            }
        }
    }
}

/// No faults any more: there is somebody who sees and may do everything, and who waits can be answered.
async fn calm(world: &mut World) {
    world.hosts.iter().for_each(|host| host.process.go_on());
    if world.hosts.is_empty() {
        world.start_host().await;
    }
    for at in 0..world.clients.len() {
        let client = &world.clients[at];
        let observes = client.link.as_ref().is_some_and(|link| !link.visit.controller);
        if at == 0 || (observes && !client.open().is_empty()) {
            world.drop_client(at).await;
        }
    }
}

/// Rounds without faults, in which everybody does what is to be done, until there is nothing more.
async fn settle(world: &mut World) -> bool {
    let mut settled = 0;
    for _ in 0..ROUNDS {
        for at in 0..world.clients.len() {
            if world.clients[at].link.is_none() {
                world.connect(at, true);
            }
            for key in world.clients[at].open() {
                world.clients[at].prompt(&key);
            }
            world.clients[at].answer(0);
            world.clients[at].read(&world.ground.disk, usize::MAX);
        }
        world.let_all_happen().await;
        settled = if is_settled(world) { settled + 1 } else { 0 };
        if settled > 3 {
            return true;
        }
        if settled == 0 {
            world.pass(Duration::from_millis(100)).await;
        }
    }
    false
}

fn is_settled(world: &World) -> bool {
    let disk = &world.ground.disk;
    world.ground.agents.are_idle()
        && world.hosts.iter().all(|host| disk.held(&host.process) == (0, 0))
        && disk.is_told()
        && world.clients.iter().all(|client| {
            let there = client.link.as_ref().is_some_and(|link| link.is_attached() && link.is_quiet());
            there && client.open().is_empty()
        })
}

fn count(world: &mut World) {
    let records = world.records();
    let count = |kind: &Kind| records.iter().filter(|record| record.kind == *kind).count() as u64;
    let with = |kind: &Kind, word: &str| {
        let of_kind = records.iter().filter(|record| record.kind == *kind);
        of_kind.filter(|record| record.body.as_str().contains(word)).count() as u64
    };
    let of_child = |kind: &Kind| with(kind, &format!(r#""sessionId":"{}~"#, world.session));
    let (child_asked, announced) =
        (of_child(&Kind::PermissionRequested), with(&Kind::ChildUpdated, "\"agentSession\""));
    let grandchildren = with(&Kind::ChildUpdated, "\"parent\"");
    let ends = records.iter().filter(|record| record.kind == Kind::ChildUpdated && record.origin == Origin::Host);
    let ends = ends.count() as u64;
    let tally = &mut world.tally;
    tally.add("child announced", announced);
    tally.add("child of a child", grandchildren);
    tally.add("child stopped", count(&Kind::ChildCancelRequested));
    tally.add("child asked", child_asked);
    tally.add("child ended with its agent", ends);
    tally.add("asked", count(&Kind::PermissionRequested));
    tally.add("cancelled", count(&Kind::CancelRequested));
    tally.add("steered", count(&Kind::PromptSteered));
    tally.add("joined", count(&Kind::LaneJoined));
    tally.add("chosen", with(&Kind::SessionUpdated, "\"chosen\""));
    tally.add("restored", with(&Kind::ChoicesRestored, "\"set\""));
    tally.add("lost", with(&Kind::ChoicesRestored, "\"lost\""));
    tally.add("interrupted", with(&Kind::TurnEnded, "\"interrupted\""));
    tally.add("epochs", records.last().map_or(0, |record| record.epoch));
    tally.add("records", records.len() as u64);
    tally.add("fault told", world.clients.iter().flat_map(Client::visits).map(|visit| visit.faults.len() as u64).sum());
    for client in &world.clients {
        tally.add("repeated", client.repeated);
        let refused = client.prompts.values().filter(|prompt| matches!(prompt.fate, Fate::Refused(_)));
        tally.add("refused", refused.count() as u64);
        for visit in client.visits().filter(|visit| visit.head.is_some()) {
            let role = if visit.controller { "controller" } else { "observer" };
            tally.once(&format!("{:?} {role} {:?}", visit.entry, visit.lanes));
            tally.add("child introduced", visit.family.introduced.len() as u64);
            tally.add("without children", u64::from(!visit.family.is_wanted));
        }
    }
}

/// The log and what each client was shown, as text, without the names that no two runs have in common.
pub(super) fn history(world: &World) -> String {
    let mut text = String::new();
    let evidence = world.evidence();
    for record in &evidence.records {
        let Record { seq, at, epoch, lane, kind, origin, .. } = &**record;
        let _ = writeln!(text, "{seq} {at} {epoch} {lane} {kind} {origin} {}", record.body.as_str());
    }
    for visit in &evidence.visits {
        let _ = writeln!(text, "{visit:#?}");
    }
    let deeds: BTreeMap<_, _> = evidence.deeds;
    let _ = writeln!(text, "{:#?} {:#?} {deeds:#?}", evidence.prompts, evidence.told);
    text.replace(world.session.as_ref(), "s")
}
