use acp_types::RawBuf;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;

use acp_types::SessionId;

use super::*;
use crate::command::{By, Commander};
use crate::log::{MemoryLog, QueueError, QueuedCommand};
use crate::principal::Principal;
use crate::session::Command;
use crate::session::Reply;
use crate::vault::{MemoryVault, SecretRef, VaultError};

fn call(method: &str) -> Command {
    let params = Some(RawBuf::parse(r#"{ "token" : "\ud800" }"#).unwrap());
    Command::Call { lane: None, method: method.into(), params }
}

/// Hands secrets out when it may.
#[derive(Debug)]
struct Slow {
    vault: MemoryVault,
    may: Semaphore,
}

impl Slow {
    fn new() -> Self {
        Self { vault: MemoryVault::new(), may: Semaphore::new(0) }
    }
}

#[async_trait]
impl Vault for Slow {
    async fn keep(&self, secret: RawBuf) -> Result<SecretRef, VaultError> {
        self.vault.keep(secret).await
    }

    async fn take(&self, secret: &SecretRef) -> Result<RawBuf, VaultError> {
        self.may.acquire().await.unwrap().forget();
        self.vault.take(secret).await
    }
}

struct World {
    log: Arc<MemoryLog>,
    inbox: Inbox,
    commander: Commander,
}

async fn world(gateway: Arc<dyn Vault>, host: Arc<dyn Vault>) -> World {
    let log = Arc::new(MemoryLog::new());
    let (inbox, _) = Inbox::join(log.clone(), host, Duration::from_secs(600)).await.unwrap();
    let member = Member { id: "gateway".into(), role: Role::Gateway };
    log.renew(&member, Duration::from_secs(600)).await.unwrap();
    let commander = Commander::new(Arc::clone(&log) as Arc<dyn CommandQueue>, gateway, member.id);
    World { log, inbox, commander }
}

impl World {
    fn submit(&self, command: Command) -> tokio::task::JoinHandle<CommandAnswer> {
        let commander = self.commander.clone();
        let by = By { principal: Arc::new(Principal::admin("test")), client: "c".into() };
        tokio::spawn(async move { commander.submit(by, None, command).await })
    }
}

async fn next(inbox: &mut Inbox) -> Box<Envelope> {
    match inbox.next().await {
        Arrival::Command(envelope) => envelope,
        other => panic!("{other:?}"),
    }
}

fn method(envelope: &Envelope) -> &str {
    match &envelope.command {
        Command::Call { method, .. } => method,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_has_back_what_it_left_in_the_vault() {
    let vault: Arc<dyn Vault> = Arc::new(MemoryVault::new());
    let mut world = world(Arc::clone(&vault), vault).await;
    let answer = world.submit(call("authenticate"));
    let envelope = next(&mut world.inbox).await;
    assert_eq!(envelope.command, call("authenticate"));
    envelope.reply.send(Ok(Reply::Done)).unwrap();
    world.inbox.answer_what_is_open(std::future::ready(())).await;
    assert_eq!(answer.await.unwrap().unwrap(), Reply::Done);
}

#[tokio::test]
async fn commands_keep_their_order_while_one_waits_for_the_vault() {
    let vault = Arc::new(Slow::new());
    let mut world = world(vault.clone(), vault.clone()).await;
    let mut answers = Vec::new();
    for name in ["authenticate", "session/plain", "_secret", "session/last"] {
        answers.push(world.submit(call(name)));
        // It is queued once this task comes back: nothing before that waits for anything.
        tokio::task::yield_now().await;
    }
    {
        let waits = world.inbox.next();
        tokio::pin!(waits);
        assert!(futures_util::poll!(&mut waits).is_pending(), "no other goes first");
    }
    vault.may.add_permits(2);
    for name in ["authenticate", "session/plain", "_secret", "session/last"] {
        let envelope = next(&mut world.inbox).await;
        assert_eq!(method(&envelope), name);
        assert_eq!(envelope.command, call(name));
        envelope.reply.send(Ok(Reply::Done)).unwrap();
    }
    world.inbox.answer_what_is_open(std::future::ready(())).await;
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_command_whose_secret_the_host_cannot_have_is_refused_and_the_next_one_runs() {
    let mut world = world(Arc::new(MemoryVault::new()), Arc::new(MemoryVault::new())).await;
    let refused = world.submit(call("authenticate"));
    tokio::task::yield_now().await;
    let answer = world.submit(call("session/plain"));
    let envelope = next(&mut world.inbox).await;
    assert_eq!(method(&envelope), "session/plain");
    envelope.reply.send(Ok(Reply::Done)).unwrap();
    world.inbox.answer_what_is_open(std::future::ready(())).await;
    let refused = refused.await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("no such secret") && refused.contains("same directory"), "{refused}");
    answer.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_does_not_answer_holds_nobody_up_for_long_and_a_host_that_stops_answers() {
    let vault = Arc::new(Slow::new());
    let mut world = world(vault.clone(), vault).await;
    let late = world.submit(call("authenticate"));
    tokio::task::yield_now().await;
    let answer = world.submit(call("session/plain"));
    let envelope = loop {
        match world.inbox.next().await {
            Arrival::Command(envelope) => break envelope,
            Arrival::Renewed(_) => {}
            Arrival::Closed => panic!("closed"),
        }
    };
    assert_eq!(method(&envelope), "session/plain");
    envelope.reply.send(Ok(Reply::Done)).unwrap();
    let stopped = world.submit(call("authenticate"));
    tokio::task::yield_now().await;
    {
        let waits = world.inbox.next();
        tokio::pin!(waits);
        assert!(futures_util::poll!(&mut waits).is_pending());
    }
    assert!(world.inbox.fetching.is_some());
    world.inbox.answer_what_is_open(std::future::ready(())).await;
    let late = late.await.unwrap().unwrap_err().to_string();
    assert!(late.contains("did not answer within 5 s"), "{late}");
    answer.await.unwrap().unwrap();
    assert!(stopped.await.unwrap().unwrap_err().to_string().contains("the host stopped"));
    drop(world.log);
}

/// A log elsewhere that takes no answers any more.
struct Mute(MemoryLog);

#[async_trait]
impl CommandQueue for Mute {
    async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError> {
        self.0.submit(command).await
    }

    async fn take(&self, host: &MemberId) -> Result<Vec<TakenCommand>, LogError> {
        self.0.take(host).await
    }

    async fn answer(&self, _command: &CommandId, _answer: Bytes) -> Result<(), LogError> {
        std::future::pending().await
    }
}

#[async_trait]
impl Signals for Mute {
    async fn renew(&self, member: &Member, term: Duration) -> Result<Renewal, LogError> {
        self.0.renew(member, term).await
    }

    async fn leave(&self, _member: &MemberId) -> Result<(), LogError> {
        std::future::pending().await
    }

    async fn is_followed(&self, session: &SessionId) -> Result<bool, LogError> {
        self.0.is_followed(session).await
    }

    async fn fault(&self, session: &SessionId, reason: &str) {
        self.0.fault(session, reason).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_takes_no_answer_does_not_keep_a_host_from_its_end() {
    let log = Arc::new(Mute(MemoryLog::new()));
    let (vault, term) = (Arc::new(MemoryVault::new()), Duration::from_secs(600));
    let (mut inbox, _) = Inbox::of(log.clone(), log.clone(), vault.clone(), term).await.unwrap();
    let member = Member { id: "gateway".into(), role: Role::Gateway };
    log.renew(&member, term).await.unwrap();
    let commander = Commander::new(log as Arc<dyn CommandQueue>, vault, member.id);
    let by = By { principal: Arc::new(Principal::admin("test")), client: "c".into() };
    let asked = tokio::spawn(async move { commander.submit(by, None, call("session/plain")).await });
    next(&mut inbox).await.reply.send(Ok(Reply::Done)).unwrap();
    let begun = Instant::now();
    inbox.answer_what_is_open(std::future::ready(())).await;
    assert_eq!(begun.elapsed(), GOODBYE * 2);
    asked.abort();
}
