//! What the session API asks of a session's host: stops, the queue, policies, and being there.
#![expect(clippy::unwrap_used, reason = "what the tests share is as much of a test as they are")]

use std::sync::Arc;

use crate::support::{World, raw};
use acp_bridge::session::{Command, QueueCommand};
use acp_types::api::jsonrpsee::core::client::{Client, Error};
use acp_types::api::{self, CancelScope, Details, Follow, SessionApiClient};
use acp_types::record::body::SessionUpdated;
use acp_types::record::{Kind, Origin};
use acp_types::{ErrorObjectOwned, SessionId, meta};

fn connect(world: &World) -> Arc<Client> {
    let url = format!("http://{}", world.address);
    Arc::new(world.runtime.block_on(api::connect(&url)).expect("a bridge"))
}

fn created(world: &World) -> (Arc<Client>, SessionId) {
    let client = connect(world);
    let session = world.runtime.block_on(client.session_create("/w".into(), None, None, None, None)).unwrap().session;
    (client, session)
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorObjectOwned {
    match answer {
        Err(Error::Call(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
}

fn cancels(world: &World) -> Command {
    world.command("cancel", |command| matches!(command, Command::Cancel { .. })).1
}

#[test]
fn a_cancel_says_how_far_it_goes_and_why() {
    let world = World::start();
    let (client, session) = created(&world);
    let cancel = |turn, scope, lane: Option<&str>, reason: Option<&str>| {
        let (lane, reason) = (lane.map(str::to_owned), reason.map(str::to_owned));
        world.runtime.block_on(client.session_cancel(session.clone(), turn, scope, lane, reason))
    };
    cancel(None, None, None, None).unwrap();
    assert_eq!(cancels(&world), Command::cancel(None));
    cancel(None, Some(CancelScope::All), Some("b"), Some("enough")).unwrap();
    let (scope, reason) = (meta::CancelScope::All, Some("enough".to_owned()));
    assert_eq!(cancels(&world), Command::Cancel { lane: Some("b".into()), turn: None, scope, reason });
    cancel(None, Some(CancelScope::Queued), None, None).unwrap();
    let scope = meta::CancelScope::Queued;
    assert_eq!(cancels(&world), Command::Cancel { lane: None, turn: None, scope, reason: None });
    let error = refused(cancel(Some(4), Some(CancelScope::All), None, None));
    assert_eq!((error.code(), Details::of(&error).member.as_deref()), (-32602, Some("turn")));
}

#[test]
fn prompts_that_wait_are_edited_moved_and_withdrawn() {
    let world = World::start();
    let (client, session) = created(&world);
    world.runtime.block_on(async {
        client.queue_edit(session.clone(), 4, raw("[ 1e2 ]")).await.unwrap();
        client.queue_move(session.clone(), 4, Some(5)).await.unwrap();
        client.queue_move(session.clone(), 5, None).await.unwrap();
        client.queue_withdraw(session.clone(), 4).await.unwrap();
        let error = refused(client.queue_edit(session.clone(), 4, raw("{}")).await);
        assert_eq!((error.code(), Details::of(&error).member.as_deref()), (-32602, Some("prompt")));
    });
    for wanted in [
        QueueCommand::Edit { turn: 4, prompt: raw("[ 1e2 ]") },
        QueueCommand::Move { turn: 4, before: Some(5) },
        QueueCommand::Move { turn: 5, before: None },
        QueueCommand::Withdraw { turn: 4 },
    ] {
        let (to, command) = world.command("change", |command| matches!(command, Command::Queue(_)));
        assert_eq!((to, command), (Some(session.clone()), Command::Queue(wanted)));
    }
}

#[test]
fn a_policy_is_set_shown_and_taken_back() {
    let world = World::start();
    let (client, session) = created(&world);
    let set = |policy: Option<&str>| {
        world.runtime.block_on(client.session_set_policy(session.clone(), policy.map(str::to_owned)))
    };
    for policy in [Some("allow:read:reject"), None] {
        set(policy).unwrap();
        let (_, command) = world.command("policy", |command| matches!(command, Command::SetPolicy { .. }));
        assert_eq!(command, Command::SetPolicy { unattended: policy.map(|policy| policy.parse().unwrap()) });
        let updated =
            SessionUpdated { unattended: Some(policy.unwrap_or_default().to_owned()), ..SessionUpdated::default() };
        world.append(session.as_str(), Kind::SessionUpdated, None, Origin::Host, &updated);
        let view = world.runtime.block_on(client.session_get(session.clone())).unwrap();
        assert_eq!(view.unattended.as_deref(), policy);
    }
    let error = refused(set(Some("later")));
    assert_eq!((error.code(), Details::of(&error).member.as_deref()), (-32602, Some("unattended")));
    assert!(error.message().contains("wait:300s"), "{error:?}");
}

#[test]
fn the_agents_of_a_session_are_listed() {
    let world = World::start();
    let (client, session) = created(&world);
    let lanes = world.runtime.block_on(client.lane_list(session.clone())).unwrap().lanes;
    assert_eq!(lanes.len(), 1);
    assert_eq!((&*lanes[0].lane, lanes[0].alive, lanes[0].turn, lanes[0].queued), ("main", true, None, 0));
    let error = refused(world.runtime.block_on(client.lane_list("nonesuch".into())));
    assert_eq!(error.code(), -32002);
}

#[test]
fn a_subscription_that_attends_is_there_until_it_ends_and_others_never_are() {
    let world = World::start();
    let (client, session) = created(&world);
    let attends = |what: &str, wanted| {
        world.command(what, |command| matches!(command, Command::SetPresence { present } if *present == wanted));
    };
    let mut one = Follow::new(Arc::clone(&client), session.clone(), 0).attending();
    let mut two = Follow::new(Arc::clone(&client), session.clone(), 0).attending();
    let mut looks_on = Follow::new(Arc::clone(&client), session.clone(), 0);
    world.runtime.block_on(async {
        one.next().await.unwrap();
        two.next().await.unwrap();
        looks_on.next().await.unwrap();
    });
    attends("one", true);
    attends("two", true);
    world.command("coming", |command| matches!(command, Command::Attach { .. }));
    let _runtime = world.runtime.enter();
    drop(one);
    attends("the end of one", false);
    // The connection goes, and with it what is left of it.
    drop((two, looks_on, client));
    attends("the end of two", false);
    let all = world.host.commands();
    let coming = |present| all.iter().filter(|command| **command == Command::SetPresence { present }).count();
    assert_eq!((coming(true), coming(false)), (0, 0), "nobody else came or went");
    let client = connect(&world);
    let error = refused(world.runtime.block_on(client.session_subscribe("nonesuch".into(), None, Some(true))));
    assert_eq!(error.code(), -32002);
}
