//! Sessions taken out through the session API: whole, in pages, and without what is the host's own.
#![expect(clippy::unwrap_used, reason = "what the tests share is as much of a test as they are")]

use std::sync::Arc;

use crate::support::World;
use acp_bridge::archive::{self, Export};
use acp_bridge::log::LogWriter;
use acp_types::api::jsonrpsee::core::client::{Client, Error};
use acp_types::api::{self, Details, Event, Exported, Follow, SessionApiClient};
use acp_types::record::{Kind, Record};
use acp_types::{ErrorObjectOwned, SessionId};
use serde_json::Value;

fn connect(world: &World) -> Arc<Client> {
    let url = format!("http://{}", world.address);
    Arc::new(world.runtime.block_on(api::connect(&url)).expect("a bridge"))
}

async fn create(client: &Client) -> SessionId {
    client.session_create("/w".into(), None, None, None, None).await.unwrap().session
}

/// Every page from the first on, or from one that another has named.
async fn pages<C: SessionApiClient + Sync>(client: &C, session: &SessionId, from: Option<String>) -> Vec<String> {
    let mut pages = Vec::new();
    let mut next = from;
    loop {
        let Exported { lines, next: then } = client.session_export(session.clone(), None, next).await.unwrap();
        pages.push(lines);
        next = then;
        if next.is_none() {
            return pages;
        }
    }
}

/// What the host's own export says.
async fn offline(world: &World, session: &SessionId) -> String {
    let log = Arc::clone(&world.log);
    let mut export = Export::begin(&*log, session, 0).await.unwrap();
    let mut text = Vec::new();
    while let Some(page) = export.next().await.unwrap() {
        text.extend(page);
    }
    String::from_utf8(text).unwrap()
}

/// Without what stays with the host.
fn shown(export: &str) -> String {
    export.replace(r#""agentSession":"a","#, "").replace(r#""sessionId":"a","#, "")
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorObjectOwned {
    match answer {
        Err(Error::Call(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_agents_own_session_id_is_in_no_record_that_a_client_gets() {
    let world = World::start();
    let client = connect(&world);
    world.runtime.block_on(async {
        let session = create(&client).await;
        let host = offline(&world, &session).await;
        assert!(
            host.contains(r#""agentSession":"a""#) && host.contains(r#""sessionId":"a""#),
            "the host has it: {host}"
        );

        let read = client.session_read(session.clone(), None, None).await.unwrap().records;
        let mut follow = Follow::new(Arc::clone(&client), session.clone(), 0);
        let Event::Records(followed) = follow.next().await.unwrap() else { panic!("records first") };
        let text = pages(&*client, &session, None).await.concat();
        let exported =
            text.lines().skip(1).map(|line| Arc::new(serde_json::from_str::<Record>(line).unwrap())).collect();
        for records in [read, followed, exported] {
            let started = records.iter().find(|record| record.kind == Kind::AgentStarted).unwrap();
            assert_eq!(
                started.body.as_str(),
                r#"{"start":"new","initialize":{},"state":{"modes":{"currentModeId":"ask"}}}"#
            );
        }
    });
}

#[test]
fn pages_make_the_session_as_of_the_first_and_can_be_imported() {
    let world = World::start();
    let client = connect(&world);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    world.runtime.block_on(async {
        let session = create(&client).await;
        world.flood(session.as_str(), None, 5000, 300).await.unwrap();
        let whole = offline(&world, &session).await;
        let first = client.session_export(session.clone(), None, None).await.unwrap();
        world.flood(session.as_str(), None, 100, 1).await.unwrap();
        let mut exported = vec![first.lines];
        exported.extend(pages(&*client, &session, first.next).await);
        assert!(exported.len() > 3 && exported.iter().all(|page| page.len() < 1 << 20 && page.ends_with('\n')));
        let text = exported.concat();
        assert_eq!(text, shown(&whole));

        let info = archive::import(&path, text.as_bytes(), None, 1).unwrap().session;
        assert_eq!((info.id, info.head), (session.clone(), 5004), "what it had, and that it was imported");

        let url = format!("http://{}{}", world.address, api::PATH);
        let http = jsonrpsee_http_client::HttpClientBuilder::default().build(url).unwrap();
        let header = pages(&http, &session, None).await.concat();
        let header: Value = serde_json::from_str(header.lines().next().unwrap()).unwrap();
        assert_eq!(header["head"], 5103);
    });
}

#[test]
fn a_part_is_exported_from_a_cursor() {
    let world = World::start();
    let client = connect(&world);
    world.runtime.block_on(async {
        let session = create(&client).await;
        let part = client.session_export(session.clone(), Some(2), None).await.unwrap();
        let lines: Vec<Value> = part.lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["after"], &lines[1]["seq"], part.next), (2, &2.into(), &3.into(), None));
        let none = client.session_export(session, Some(3), None).await.unwrap();
        assert_eq!((none.lines.lines().count(), none.next), (1, None));
    });
}

#[test]
fn what_cannot_be_exported_says_why() {
    let world = World::start();
    let client = connect(&world);
    world.runtime.block_on(async {
        let session = create(&client).await;
        let gone = SessionId::from("nonesuch");
        let error = refused(client.session_export(gone.clone(), None, None).await);
        assert_eq!((error.code(), Details::of(&error).session_id), (-32002, Some(gone)));
        let error = refused(client.session_export(session.clone(), Some(99), None).await);
        assert_eq!((error.code(), Details::of(&error).latest), (-32602, Some(3)));
        let error = refused(client.session_export(session.clone(), None, Some("7".into())).await);
        assert_eq!((error.code(), Details::of(&error).member.as_deref()), (-32602, Some("page")));

        world.flood(session.as_str(), None, 3000, 100).await.unwrap();
        let first = client.session_export(session.clone(), None, None).await.unwrap();
        world.log.trim(&session, 2500).await.unwrap();
        let error = refused(client.session_export(session.clone(), None, first.next).await);
        assert!(error.message().contains("export it again"), "{error:?}");
        assert_eq!(pages(&*client, &session, None).await.concat(), shown(&offline(&world, &session).await));
    });
}
