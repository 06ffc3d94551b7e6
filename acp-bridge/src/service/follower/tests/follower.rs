//! Followers on a log in memory.

use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::Seq;

use super::story::{Dice, Story};
use crate::log::{LogError, LogWriter, Member, MemberId, MemoryLog, ReadLimit, Role, Signals};
use crate::service::follower::table::MAX_KEPT;
use crate::service::follower::{FollowerReader, Followers, LookedFor, Snapshot};

const SOME: ReadLimit = ReadLimit { records: 3, bytes: usize::MAX };

/// Who writes here.
async fn host(log: &MemoryLog) -> MemberId {
    let member = Member { id: "host".into(), role: Role::Host };
    log.renew(&member, Duration::from_secs(600)).await.unwrap();
    member.id
}

/// A log with one session, and the story that it tells.
struct Kit {
    log: Arc<MemoryLog>,
    followers: Arc<Followers>,
    session: SessionId,
    story: Story,
    dice: Dice,
    written: usize,
}

impl Kit {
    async fn new() -> Self {
        let log = Arc::new(MemoryLog::new());
        let story = Story::new();
        let session = SessionId::from("s");
        log.create(&session, &host(&log).await, story.records.clone()).await.unwrap();
        let followers =
            Followers::new(Arc::clone(&log) as _, LookedFor(|record| record.body.as_str().contains("sought")));
        Self { log, followers, session, written: story.records.len(), story, dice: Dice::new(3) }
    }

    /// So many records more.
    async fn go_on(&mut self, count: usize) {
        while self.story.records.len() < self.written + count {
            self.story.go_on(&mut self.dice);
        }
        self.write().await;
    }

    async fn write(&mut self) {
        self.log.append(&self.session, self.story.records[self.written..].to_vec()).await.unwrap();
        self.written = self.story.records.len();
    }

    async fn snapshot(&self) -> Snapshot {
        let now = self.followers.snapshot(&self.session).await.unwrap();
        assert_eq!(now.head, self.story.head());
        assert_eq!(*now.state, *self.story.state(now.head));
        now
    }

    async fn reader(&self, after: Seq) -> FollowerReader {
        FollowerReader::open(self.snapshot().await.follower, after).await.unwrap()
    }

    /// Reads from a cursor to the head: each record once and in order.
    async fn reads(&self, reader: &mut FollowerReader, mut cursor: Seq) {
        while cursor < self.story.head() {
            for record in reader.next(SOME).await.unwrap().records() {
                cursor += 1;
                assert_eq!(**record, *self.story.records[usize::try_from(cursor - 1).unwrap()]);
            }
        }
    }
}

#[tokio::test]
async fn all_who_come_to_a_session_share_its_follower_and_its_state() {
    let mut kit = Kit::new().await;
    kit.go_on(50).await;
    let (one, other) = (kit.snapshot().await, kit.snapshot().await);
    assert!(Arc::ptr_eq(&one.follower, &other.follower) && Arc::ptr_eq(&one.state, &other.state));
    let mut late = FollowerReader::open(one.follower, 0).await.unwrap();
    let mut live = FollowerReader::open(other.follower, other.head).await.unwrap();
    kit.go_on(20).await;
    kit.reads(&mut late, 0).await;
    kit.reads(&mut live, other.head).await;
    assert!(Arc::ptr_eq(&kit.snapshot().await.follower, &kit.snapshot().await.follower));
}

#[tokio::test]
async fn readers_that_wait_at_the_head_all_get_what_comes() {
    let mut kit = Kit::new().await;
    let from = kit.story.head();
    let mut readers = Vec::new();
    for _ in 0..8 {
        readers.push(kit.reader(from).await);
    }
    let waiting: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while seen.len() < 40 {
                    let batch = reader.next(SOME).await.unwrap();
                    seen.extend(batch.records().iter().map(|record| record.seq));
                }
                seen
            })
        })
        .collect();
    for _ in 0..40 {
        kit.go_on(1).await;
        tokio::task::yield_now().await;
    }
    for reader in waiting {
        let seen = reader.await.unwrap();
        assert_eq!(seen, (from + 1..=from + 40).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_read_that_is_given_up_loses_nothing() {
    let mut kit = Kit::new().await;
    let from = kit.story.head();
    let mut reader = kit.reader(from).await;
    let given_up = futures_util::FutureExt::now_or_never(reader.next(SOME));
    assert!(given_up.is_none());
    kit.go_on(10).await;
    kit.reads(&mut reader, from).await;
}

#[tokio::test]
async fn a_session_that_is_deleted_ends_its_readers_and_one_of_the_same_id_is_another() {
    let mut kit = Kit::new().await;
    kit.go_on(30).await;
    let mut readers = [kit.reader(0).await, kit.reader(5).await];
    kit.log.delete(&kit.session).await.unwrap();
    let gone = |error: &LogError| matches!(error, LogError::NotFound { .. });
    assert!(gone(&kit.followers.snapshot(&kit.session).await.unwrap_err()));
    kit.story = Story::new();
    kit.log.create(&kit.session, &host(&kit.log).await, kit.story.records.clone()).await.unwrap();
    kit.written = kit.story.records.len();
    let anew = kit.snapshot().await;
    for reader in &mut readers {
        assert!(gone(&reader.next(SOME).await.unwrap_err()));
    }
    drop(readers);
    let mut reader = kit.reader(0).await;
    kit.go_on(10).await;
    kit.reads(&mut reader, 0).await;
    assert!(Arc::ptr_eq(&anew.follower, &kit.snapshot().await.follower), "those who were there took nothing with them");
}

#[tokio::test]
async fn a_cursor_that_cannot_be_read_is_refused_and_one_that_is_trimmed_later_fails() {
    let mut kit = Kit::new().await;
    for _ in 0..20 {
        kit.story.say("word");
    }
    kit.write().await;
    let mut behind = kit.reader(3).await;
    let oldest = kit.log.trim(&kit.session, 15).await.unwrap();
    let now = kit.snapshot().await;
    assert_eq!(now.oldest, oldest);
    let beyond = now.head + 1;
    assert!(matches!(
        FollowerReader::open(Arc::clone(&now.follower), beyond).await,
        Err(LogError::BeyondHead { after, head }) if (after, head) == (beyond, now.head)
    ));
    assert!(matches!(
        FollowerReader::open(Arc::clone(&now.follower), 3).await,
        Err(LogError::Trimmed { after: 3, oldest: said }) if said == oldest
    ));
    assert!(matches!(behind.next(SOME).await, Err(LogError::Trimmed { .. })));
    let mut reader = FollowerReader::open(now.follower, oldest).await.unwrap();
    kit.reads(&mut reader, oldest).await;
}

#[tokio::test]
async fn each_reader_is_told_once_that_the_log_cannot_be_written() {
    let mut kit = Kit::new().await;
    let from = kit.story.head();
    let mut readers = [kit.reader(from).await, kit.reader(from).await];
    kit.log.fault(&kit.session, "disk full").await;
    for reader in &mut readers {
        assert!(matches!(reader.next(SOME).await, Err(LogError::Unwritable { reason }) if reason == "disk full"));
    }
    kit.go_on(5).await;
    for reader in &mut readers {
        kit.reads(reader, from).await;
    }
}

#[tokio::test]
async fn a_follower_that_nobody_holds_is_gone_and_a_few_states_are_kept() {
    let mut kit = Kit::new().await;
    kit.go_on(30).await;
    drop(kit.snapshot().await);
    assert_eq!(kit.followers.count(), (0, 1));
    assert!(!kit.log.is_followed(&kit.session).await.unwrap(), "the log knows nothing of it");
    kit.go_on(30).await;
    drop(kit.reader(0).await);
    for number in 0..MAX_KEPT + 3 {
        let session = SessionId::from(format!("s{number}"));
        kit.log.create(&session, &host(&kit.log).await, Story::new().records).await.unwrap();
        kit.followers.snapshot(&session).await.unwrap();
    }
    assert_eq!(kit.followers.count(), (0, MAX_KEPT));
    kit.snapshot().await;
}

#[tokio::test]
async fn a_kept_state_is_not_taken_for_that_of_another_log_under_the_same_id() {
    let mut kit = Kit::new().await;
    kit.go_on(30).await;
    drop(kit.snapshot().await);
    kit.log.delete(&kit.session).await.unwrap();
    // Longer, and with another history.
    (kit.story, kit.dice) = (Story::new(), Dice::new(99));
    kit.log.create(&kit.session, &host(&kit.log).await, kit.story.records.clone()).await.unwrap();
    kit.written = kit.story.records.len();
    kit.go_on(60).await;
    kit.snapshot().await;
}

#[tokio::test]
async fn a_session_that_is_not_there_leaves_nothing() {
    let kit = Kit::new().await;
    let missing = kit.followers.snapshot(&SessionId::from("none")).await;
    assert!(matches!(missing, Err(LogError::NotFound { .. })));
    assert_eq!(kit.followers.count(), (0, 0));
}

#[tokio::test]
async fn what_nobody_has_to_look_back_for_is_known_once_somebody_has_looked() {
    let mut kit = Kit::new().await;
    kit.story.say("sought");
    let sought = kit.story.head();
    kit.go_on(3000).await;
    let now = kit.snapshot().await;
    assert!(!now.follower.is_plain(now.head - 100, now.head), "it was folded from control records alone");
    now.follower.found_plain(sought, now.head);
    assert!(now.follower.is_plain(sought, now.head) && !now.follower.is_plain(sought - 1, now.head));
    // Both what a reader reads and what a newcomer finds missing.
    let mut reader = FollowerReader::open(Arc::clone(&now.follower), now.head).await.unwrap();
    kit.go_on(20).await;
    kit.reads(&mut reader, now.head).await;
    kit.go_on(20).await;
    let later = kit.snapshot().await;
    assert!(later.follower.is_plain(sought, later.head));
    kit.story.say("sought");
    kit.write().await;
    let last = kit.snapshot().await;
    assert!(!last.follower.is_plain(sought, last.head) && last.follower.is_plain(last.head, last.head));
}

#[tokio::test]
async fn whoever_needs_no_state_reads_by_the_same_follower_and_has_nothing_folded() {
    let mut kit = Kit::new().await;
    kit.go_on(50).await;
    let from = kit.story.head();
    let mut reader = kit.followers.reader(&kit.session, from).await.unwrap();
    assert_eq!((reader.cursor(), reader.head()), (from, from));
    assert_eq!(kit.followers.of(&kit.session).core().head(), 0);
    kit.go_on(10).await;
    kit.reads(&mut reader, from).await;
    let mut other = kit.reader(0).await;
    kit.reads(&mut other, 0).await;
    kit.go_on(10).await;
    kit.reads(&mut reader, from + 10).await;
    assert_eq!(kit.followers.count(), (1, 0));
}

#[tokio::test]
async fn whoever_needs_no_state_reads_the_session_that_there_is_and_not_the_one_that_was() {
    let mut kit = Kit::new().await;
    kit.go_on(30).await;
    // Nobody has told this one yet that its session is gone.
    let _former = kit.reader(0).await;
    kit.log.delete(&kit.session).await.unwrap();
    kit.story = Story::new();
    kit.log.create(&kit.session, &host(&kit.log).await, kit.story.records.clone()).await.unwrap();
    kit.written = kit.story.records.len();
    let mut reader = kit.followers.reader(&kit.session, 0).await.unwrap();
    kit.go_on(10).await;
    kit.reads(&mut reader, 0).await;
    let nowhere = kit.followers.reader(&"none".into(), 0).await;
    assert!(matches!(nowhere, Err(LogError::NotFound { .. })));
}
