//! Services of the machine that an agent runs on, files and commands, served next to it.
//!
//! One task per agent takes the requests and answers them on the agent's connection, so that no session waits for a
//! disk or a command and none of it needs a client. Nothing of it is logged: what a tool did, the agent tells by its
//! tool calls, and the contents of files and environments are nobody else's business.
//!
//! Files and working directories are confined to the session's directories and what is [`Allowed`] beside, see [`roots`].
//! Commands are not confined in what they do: they run with the rights of the bridge, as the agent itself does.

mod decode;
mod door;
mod files;
mod launch;
mod limits;
mod lines;
mod printer;
mod refusal;
mod roots;
mod server;
mod tail;
mod terminal;

use std::sync::Arc;

use acp_server::Outbox;
use acp_types::{Raw, RawBuf, RequestId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use limits::Limits;
pub use roots::Allowed;

use server::{Order, Server};

/// Orders between the session's task and the services' own, which takes them at once.
const ORDERS: usize = 64;
/// Pieces of output that wait for the session's task; the rest waits in the terminals.
const PRINTS: usize = 16;

/// The services of one agent. Dropping them ends every command that the agent has started.
#[derive(Debug)]
pub(crate) struct Services {
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

impl Services {
    /// Services for an agent that knows its session as `agent_session`, in the directories that `params`, those of
    /// `session/new`, name, and in what is allowed beside. With them come params of updates, which tell what terminals print
    /// that the agent shows.
    pub(crate) fn start(
        limits: Limits,
        allowed: Arc<Allowed>,
        agent_session: String,
        params: Raw<'_>,
        outbox: Outbox,
    ) -> (Self, mpsc::Receiver<RawBuf>) {
        let (orders, taken) = mpsc::channel(ORDERS);
        let (printed, prints) = mpsc::channel(PRINTS);
        let server = Server::new(limits, agent_session, outbox, printed);
        let task = tokio::spawn(server.run(roots::named_in(params), allowed, taken));
        (Self { orders, task }, prints)
    }

    /// The agent has said this in a `session/update`. If it shows a terminal of ours, what that prints is told as if the
    /// agent streamed it.
    pub(crate) fn said(&self, params: Raw<'_>) {
        if let Some((call, terminals)) = printer::shown(params)
            && self.orders.try_send(Order::Show { call, terminals }).is_err()
        {
            tracing::warn!("an agent asks for too much at once: what a terminal prints that it shows is not told");
        }
    }

    /// Takes a request, to be answered on the agent's connection. Gives its id back if too many orders wait.
    pub(crate) fn serve(&self, id: RequestId, method: String, params: Option<RawBuf>) -> Result<(), RequestId> {
        let order = Order::Serve { id: id.clone(), method, params };
        self.orders.try_send(order).map_err(|_| id)
    }

    /// The agent no longer waits for this one. Only waiting can be given up: what has an effect is answered with that.
    pub(crate) fn withdraw(&self, id: RequestId) {
        // If it is lost the wait goes on, as a wait may.
        let _ = self.orders.try_send(Order::Withdraw(id));
    }

    /// Ends every command and waits for that.
    pub(crate) async fn stop(self) {
        drop(self.orders);
        // A task that panicked has dropped its commands, which ends them.
        let _ = self.task.await;
    }
}
