use serde_json::Value;

use super::*;

fn line(text: &str) -> Bytes {
    wire::repaired(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn half_surrogate_pairs_and_odd_bytes_are_read() {
    let router = Router::default();
    let (to, _from) = mpsc::channel(1);
    router.attach("T1", "T1#0", to).expect("attached");
    let half = br#"{"method":"item/agentMessage/delta","params":{"threadId":"T1","itemId":"m","delta":"a\ud83d"}}"#;
    let odd = b"{\"method\":\"item/agentMessage/delta\",\"params\":{\"threadId\":\"T1\",\"itemId\":\"m\",\"delta\":\"a\xff\"}}";
    for given in [&half[..], &odd[..]] {
        let line = wire::repaired(Bytes::copy_from_slice(given));
        let routed = router.route(&line).expect("it belongs somewhere");
        assert!(routed.session.is_some() && routed.instead.is_none(), "{routed:?}");
        let message: Value = serde_json::from_slice(&line).expect("JSON");
        assert_eq!(message["params"]["delta"], "a\u{fffd}");
    }
}

#[test]
fn whoever_a_line_is_for_gets_to_know_that_it_cannot_be_read() {
    let router = Router::default();
    let (to, _from) = mpsc::channel(1);
    router.attach("T1", "T1#0", to).expect("attached");
    for (text, ends) in [
        (r#"{"method":"turn/completed","params":{"threadId":"T1","turn":{"#, true),
        (r#"{"method":"item/completed","params":{"threadId":"T1","item":}"#, false),
    ] {
        let routed = router.route(&line(text)).expect("it belongs somewhere");
        let instead: Value = serde_json::from_slice(&routed.instead.expect("another message")).expect("JSON");
        assert_eq!((&instead["method"], &instead["params"]["ends"]), (&wire::UNREADABLE.into(), &ends.into()));
    }
    assert!(router.route(&line("Listening on stdio")).is_none());
}

#[test]
fn what_cannot_be_read_of_an_item_does_not_keep_it_from_its_thread() {
    let router = Router::default();
    let (to, _from) = mpsc::channel(1);
    router.attach("T1", "T1#0", to).expect("attached");
    let odd = r#"{"method":"item/completed","params":{"threadId":"T1","item":{"id":"c","receiverThreadIds":null}}}"#;
    assert!(router.route(&line(odd)).expect("it belongs somewhere").session.is_some());
}
