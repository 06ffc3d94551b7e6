//! The conversation itself, between official peers only: a failure here is not ours.

use interop_tests::{Agent, Client, Conversation, Driver, Server, hold};

#[test]
fn official_clients_talk_to_official_agents_over_stdio() {
    for client in [Client::OfficialRust, Client::OfficialTypeScript] {
        for agent in [Agent::OfficialRust, Agent::OfficialTypeScript] {
            let state = tempfile::tempdir().expect("a directory");
            hold(&mut Driver::stdio(client, agent, state.path()), Conversation::default());
        }
    }
}

#[test]
fn official_clients_talk_to_the_official_websocket_transport() {
    for client in [Client::OfficialRust, Client::OfficialTypeScript] {
        let state = tempfile::tempdir().expect("a directory");
        let server = Server::official(Agent::OfficialRust, state.path());
        hold(&mut Driver::websocket(client, server.url()), Conversation::default());
    }
}
