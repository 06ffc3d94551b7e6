use acp_types::SessionId;
use tokio::sync::mpsc;
use tokio::task::Id;

use super::{Handed, SESSION_QUEUE, Sessions};
use crate::host::envelope::Envelope;
use crate::session::{Command, QueueCommand};

fn session() -> SessionId {
    "s".into()
}

fn command() -> Box<Envelope> {
    Envelope::internal(&"h".into(), session(), "c".into(), Command::Queue(QueueCommand::List)).0
}

async fn id() -> Id {
    tokio::spawn(async { tokio::task::id() }).await.unwrap()
}

#[tokio::test]
async fn a_session_is_not_opened_again_before_the_task_that_lost_it_is_over() {
    let mut sessions = Sessions::default();
    let (sender, mut commands) = mpsc::channel(1);
    sessions.serve(session(), id().await, sender);
    assert!(matches!(sessions.hand(&session(), command()), Handed::Taken));
    assert!(matches!(sessions.hand(&session(), command()), Handed::Full(_)));
    sessions.end(&session());
    assert!(commands.recv().await.is_some() && commands.recv().await.is_none(), "its task hears that it is to end");
    assert!(!sessions.is_served(&session()) && !sessions.needs_task(&session()));
    for _ in 0..SESSION_QUEUE {
        assert!(matches!(sessions.hand(&session(), command()), Handed::Taken));
    }
    assert!(matches!(sessions.hand(&session(), command()), Handed::Full(_)), "what waits is bounded");
    let left = sessions.finished(&session());
    assert_eq!((left.waiting.len(), left.reopens), (SESSION_QUEUE, true));
    assert!(matches!(sessions.hand(&session(), command()), Handed::Opens(_)));
}

#[tokio::test]
async fn what_comes_when_a_task_ends_by_itself_waits_for_the_next() {
    let mut sessions = Sessions::default();
    let (sender, commands) = mpsc::channel(1);
    sessions.serve(session(), id().await, sender);
    drop(commands);
    assert!(matches!(sessions.hand(&session(), command()), Handed::Taken));
    assert_eq!(sessions.finished(&session()).waiting.len(), 1);
}

#[tokio::test]
async fn the_session_of_a_task_that_panicked_is_known() {
    let mut sessions = Sessions::default();
    let (sender, _commands) = mpsc::channel(1);
    let (task, other) = (id().await, id().await);
    sessions.serve(session(), task, sender);
    sessions.end(&session());
    assert!(matches!(sessions.hand(&session(), command()), Handed::Taken));
    assert!(sessions.panicked(other).is_none());
    let (lost, left) = sessions.panicked(task).unwrap();
    assert_eq!((lost, left.waiting.len()), (session(), 1));
}
