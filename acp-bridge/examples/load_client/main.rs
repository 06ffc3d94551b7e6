//! A load client for `cargo xtask bench`: any ACP server over WebSocket, one JSON line of figures on stdout.
//!
//! ```text
//! load_client ws://127.0.0.1:PORT/acp throughput UPDATES CLIENTS
//! load_client ws://127.0.0.1:PORT/acp latency UPDATES PER_SECOND
//! load_client ws://127.0.0.1:PORT/acp stalled UPDATES PID
//! load_client ws://127.0.0.1:PORT/acp replay UPDATES
//! load_client ws://127.0.0.1:PORT/acp churn UPDATES CLIENTS DROPS
//! load_client ws://127.0.0.1:PORT/acp kill UPDATES PID
//! load_client ws://127.0.0.1:PORT/acp survived SESSION
//! load_client ws://127.0.0.1:PORT/acp crowd SESSIONS CLIENTS PID
//! load_client ws://127.0.0.1:PORT/acp cancel TIMES
//! load_client ws://127.0.0.1:PORT/acp attach TURNS UPDATES CLIENTS PID
//! ```
//!
//! The agent must take the prompts `flood N`, `numbered N` (each chunk holds its number), `deluge` (floods until it is
//! cancelled, then says when it was) and `stamp N PER_SECOND` (each chunk holds the time in microseconds).

mod attach;
mod cancel;
mod churn;
mod client;
mod crowd;
mod flow;
mod kill;
mod measure;

use anyhow::{Context, bail};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the figures are its result")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| arguments.get(at).map(String::as_str).context("see the top of the file for the arguments");
    let number = |at: usize| -> anyhow::Result<u64> { Ok(word(at)?.parse()?) };
    let url = word(0)?;
    let figures = match word(1)? {
        "throughput" => flow::throughput(url, number(2)?, number(3)?).await?,
        "latency" => flow::latency(url, number(2)?, number(3)?).await?,
        "stalled" => flow::stalled(url, number(2)?, number(3)?).await?,
        "replay" => flow::replay(url, number(2)?).await?,
        "churn" => churn::run(url, number(2)?, number(3)?, number(4)?).await?,
        "kill" => kill::run(url, number(2)?, number(3)?).await?,
        "survived" => kill::survived(url, word(2)?).await?,
        "crowd" => crowd::run(url, number(2)?, number(3)?, number(4)?).await?,
        "attach" => attach::run(url, number(2)?, number(3)?, number(4)?, number(5)?).await?,
        "cancel" => cancel::run(url, number(2)?).await?,
        other => bail!("{other} is no measurement"),
    };
    println!("{figures}");
    Ok(())
}
