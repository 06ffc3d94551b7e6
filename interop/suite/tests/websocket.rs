//! Over WebSocket, both directions, without a bridge.

use interop_tests::{Agent, Client, Conversation, Driver, Server, hold};

#[test]
fn official_rust_client_talks_to_our_agent_over_websocket() {
    let state = tempfile::tempdir().expect("a directory");
    let server = Server::ours(state.path());
    hold(&mut Driver::websocket(Client::OfficialRust, server.url()), Conversation::default());
}

#[test]
fn official_typescript_client_talks_to_our_agent_over_websocket() {
    let state = tempfile::tempdir().expect("a directory");
    let server = Server::ours(state.path());
    hold(&mut Driver::websocket(Client::OfficialTypeScript, server.url()), Conversation::default());
}

#[test]
fn our_client_talks_to_the_official_rust_agent_over_websocket() {
    let state = tempfile::tempdir().expect("a directory");
    let server = Server::official(Agent::OfficialRust, state.path());
    hold(&mut Driver::websocket(Client::Ours, server.url()), Conversation::default());
}

#[test]
fn our_client_talks_to_the_official_typescript_agent_over_websocket() {
    let state = tempfile::tempdir().expect("a directory");
    let server = Server::official(Agent::OfficialTypeScript, state.path());
    hold(&mut Driver::websocket(Client::Ours, server.url()), Conversation::default());
}
