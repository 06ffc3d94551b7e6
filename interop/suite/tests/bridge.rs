//! Official clients to official agents with the bridge between them: neither knows of it.

use interop_tests::{Agent, Client, Conversation, Driver, Server, hold};

fn talk(client: Client, agent: Agent) {
    let state = tempfile::tempdir().expect("a directory");
    let server = Server::bridge(agent, state.path());
    hold(&mut Driver::websocket(client, server.url()), Conversation { through_bridge: true });
}

#[test]
fn official_rust_client_talks_through_the_bridge_to_the_official_rust_agent() {
    talk(Client::OfficialRust, Agent::OfficialRust);
}

#[test]
fn official_rust_client_talks_through_the_bridge_to_the_official_typescript_agent() {
    talk(Client::OfficialRust, Agent::OfficialTypeScript);
}

#[test]
fn official_typescript_client_talks_through_the_bridge_to_the_official_rust_agent() {
    talk(Client::OfficialTypeScript, Agent::OfficialRust);
}

#[test]
fn official_typescript_client_talks_through_the_bridge_to_the_official_typescript_agent() {
    talk(Client::OfficialTypeScript, Agent::OfficialTypeScript);
}

#[test]
fn our_client_talks_through_the_bridge_to_our_agent() {
    talk(Client::Ours, Agent::Ours);
}
