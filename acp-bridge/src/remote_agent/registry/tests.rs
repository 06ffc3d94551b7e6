use futures_util::FutureExt;

use super::{AgentPlace, Arrived, DiallerRegistry};
use crate::remote_agent::protocol::{Hello, VERSION};
use crate::remote_agent::transport::{IncomingAgent, pair};
use crate::session::Services;

fn place() -> AgentPlace {
    ("s".into(), "far".into())
}

/// A dialler that has the agent of this name, and what keeps it connected.
fn dials_in(instance: Option<&str>) -> (IncomingAgent, impl Sized) {
    let hello = Hello {
        version: VERSION,
        dialler: "d".into(),
        session: Some("s".into()),
        lane: Some("far".into()),
        instance: instance.map(str::to_owned),
        ..Hello::default()
    };
    let (socket, carrier) = pair();
    (IncomingAgent { hello, socket }, carrier)
}

#[tokio::test]
async fn an_agent_that_is_back_goes_to_whoever_expects_it() {
    let registry = DiallerRegistry::new(Services::default());
    let mut expected = registry.expect("i", Some(place()));
    let (incoming, _carrier) = dials_in(Some("i"));
    assert!(matches!(registry.arrives(incoming), Arrived::Done));
    assert!(expected.comes().await.is_some());
}

#[tokio::test]
async fn an_agent_that_is_expected_no_longer_waits_until_its_session_was_asked() {
    let registry = DiallerRegistry::new(Services::default());
    drop(registry.expect("i", Some(place())));
    let (incoming, _carrier) = dials_in(Some("i"));
    assert!(matches!(registry.arrives(incoming), Arrived::Returns { instance, .. } if instance == "i"));
    assert!(registry.expect("i", Some(place())).comes().now_or_never().flatten().is_some());
    registry.resolve_return("i", None);
}

#[tokio::test]
async fn a_dialler_without_the_expected_agent_ends_the_wait_for_it() {
    let registry = DiallerRegistry::new(Services::default());
    let mut expected = registry.expect("i", Some(place()));
    let (incoming, _carrier) = dials_in(None);
    assert!(matches!(registry.arrives(incoming), Arrived::Ask { .. }));
    assert!(expected.comes().await.is_none());
}

#[tokio::test]
async fn who_expected_an_agent_and_goes_takes_nothing_from_the_one_that_runs() {
    let registry = DiallerRegistry::new(Services::default());
    let expected = registry.expect("i", Some(place()));
    let mut sockets = registry.runs("i", Some(place()));
    drop(expected);
    let (incoming, _carrier) = dials_in(Some("i"));
    assert!(matches!(registry.arrives(incoming), Arrived::Done));
    assert!(sockets.recv().now_or_never().flatten().is_some());
    assert_eq!(registry.ended("i"), None);
    let (incoming, _carrier) = dials_in(Some("i"));
    assert!(matches!(registry.arrives(incoming), Arrived::Returns { .. }));
}
