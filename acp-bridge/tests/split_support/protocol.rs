//! Calls of a session log as frames: a length in four bytes, then JSON.
#![allow(dead_code, unreachable_pub, unused_qualifications, clippy::missing_errors_doc, reason = "part of tests")]

use std::sync::Arc;
use std::time::Duration;

use acp_bridge::log::{
    CommandId, Filter, Head, ListQuery, LogError, Member, MemberId, QueueError, QueuedCommand, ReadLimit, Renewal,
    SessionInfo, TakenCommand,
};
use acp_types::SessionId;
use acp_types::record::{Epoch, Record, Seq};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

#[derive(Debug, Serialize, Deserialize)]
pub enum Call {
    List { query: ListQuery },
    Get { session: SessionId },
    Holder { session: SessionId },
    Read { session: SessionId, after: Seq, limit: ReadLimit, filter: Filter },
    Follow { session: SessionId },
    Unfollow { follow: u64 },
    Create { session: SessionId, host: MemberId, records: Vec<Arc<Record>> },
    Claim { session: SessionId, host: MemberId },
    Release { session: SessionId, host: MemberId, epoch: Epoch },
    Append { session: SessionId, records: Vec<Arc<Record>> },
    Trim { session: SessionId, through: Seq },
    Delete { session: SessionId },
    Submit { command: QueuedCommand },
    Take { host: MemberId },
    Answer { command: CommandId, answer: Bytes },
    Renew { member: Member, term: Duration },
    Leave { member: MemberId },
    IsFollowed { session: SessionId },
    Fault { session: SessionId, reason: String },
}

/// What a call comes to. Which of them is the call's own affair.
#[derive(Debug, Serialize, Deserialize)]
pub enum Done {
    Nothing,
    Sessions(Vec<SessionInfo>),
    Session(Option<SessionInfo>),
    Member(Option<MemberId>),
    Records(Vec<Arc<Record>>),
    Followed { follow: u64, head: Head },
    Seq(Seq),
    Yes(bool),
    Answer(Bytes),
    Taken(Vec<TakenCommand>),
    Renewal(Renewal),
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Failure {
    Log(LogError),
    Queue(QueueError),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub call: Call,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    Result {
        id: u64,
        result: Result<Done, Failure>,
    },
    Head {
        follow: u64,
        head: Head,
    },
    /// The session's log says nothing more.
    Ended {
        follow: u64,
    },
}

pub async fn read<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> Option<T> {
    let length = from.read_u32().await.ok()?;
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body).await.ok()?;
    Some(serde_json::from_slice(&body).expect("a frame of this protocol"))
}

pub async fn write<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), message: &T) -> std::io::Result<()> {
    let body = serde_json::to_vec(message).expect("what can be written as JSON");
    to.write_u32(u32::try_from(body.len()).expect("a frame of less than 4 GiB")).await?;
    to.write_all(&body).await?;
    to.flush().await
}
