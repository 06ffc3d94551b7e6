//! Over stdio, both directions.

use interop_tests::{Agent, Client, Conversation, Driver, hold};

fn talk(client: Client, agent: Agent) {
    let state = tempfile::tempdir().expect("a directory");
    hold(&mut Driver::stdio(client, agent, state.path()), Conversation::default());
}

#[test]
fn official_rust_client_talks_to_our_agent_over_stdio() {
    talk(Client::OfficialRust, Agent::Ours);
}

#[test]
fn official_typescript_client_talks_to_our_agent_over_stdio() {
    talk(Client::OfficialTypeScript, Agent::Ours);
}

#[test]
fn our_client_talks_to_the_official_rust_agent_over_stdio() {
    talk(Client::Ours, Agent::OfficialRust);
}

#[test]
fn our_client_talks_to_the_official_typescript_agent_over_stdio() {
    talk(Client::Ours, Agent::OfficialTypeScript);
}

#[test]
fn our_client_talks_to_our_agent_over_stdio() {
    talk(Client::Ours, Agent::Ours);
}
