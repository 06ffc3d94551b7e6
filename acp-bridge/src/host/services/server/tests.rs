//! A server whose agent is a pair of pipes.

use std::collections::VecDeque;
use std::time::Duration;

use acp_server::codec::Input;
use acp_server::transport::{FrameReader, FrameWriter, Transport, memory};
use acp_types::{Raw, RawBuf, RequestId};
use bytes::Bytes;

use super::super::Limits;
use super::Server;

/// Nobody waits so long for what comes at all.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_id_can_be_used_again_as_soon_as_its_answer_is_there() {
    let (near, far) = memory::pair(16);
    let mut link = acp_server::start(near, acp_server::Config::default());
    let (mut reader, mut writer) = far.split(1024);
    let mut server =
        Server::new(Limits::default(), "s".to_owned(), link.outbox.clone(), tokio::sync::mpsc::channel(1).0);
    let params = RawBuf::parse(r#"{"sessionId":"s","terminalId":"none"}"#).unwrap();
    for time in 1..=3 {
        let request = acp_types::frame::request(&RequestId::from(1), "terminal/output", Some(params.as_raw()));
        writer.write(&mut VecDeque::from([Bytes::from(request)])).await.unwrap();
        link.inbox.next_batch().await.expect("the request");
        // What became of the answer before is not looked at.
        server.serve(RequestId::from(1), "terminal/output", Some(&params));
        let mut inputs = Vec::new();
        let answer = tokio::time::timeout(PATIENCE, reader.read(&mut inputs)).await;
        assert!(answer.is_ok(), "no answer to request {time}");
        let Some(Input::Frame(frame)) = inputs.first() else { panic!("{inputs:?}") };
        let id = Raw::parse(std::str::from_utf8(frame).unwrap()).unwrap().member("id").map(Raw::as_str);
        assert_eq!(id, Some("1"));
    }
    while let Some(step) = server.tasks.join_next().await {
        server.step(step.unwrap());
    }
    assert_eq!((server.open.len(), server.sending, server.bytes), (0, 0, 0));
}
