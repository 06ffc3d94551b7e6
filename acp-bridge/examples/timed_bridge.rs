//! `acp-bridge` that times the way of each update: for `cargo xtask bench`. When it ends it writes to the file named by
//! `HOPS` how long each hop took, as JSON: `[{"from": …, "to": …, "p50_us": …, "other_thread": …}, …]` in the order of the
//! way. `other_thread` is the share of updates for which another thread went on.
//!
//! A way begins when the agent's line is read, and ends when the client's socket has taken it. So it makes sense for one
//! session with one client, and for updates that come one by one.

use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

use serde_json::{Value, json};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Event, Metadata};

/// The places that an update comes by, in order.
const WAY: [&str; 9] =
    ["read", "heard", "recorded", "begun", "inserted", "committed", "followed", "rendered", "written"];

/// Stops counted: enough for a minute of what is measured.
const MOST: usize = 1 << 20;

/// When an update was at a place, and on which thread.
type Stop = (&'static str, Instant, ThreadId);

/// Remembers every hop, and nothing else.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Stop>>>);

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Subscriber for Recorder {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == acp_server::HOP
    }

    fn event(&self, event: &Event<'_>) {
        let now = Instant::now();
        let mut stops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stops.len() < MOST {
            stops.push((event.metadata().name(), now, std::thread::current().id()));
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The hops of all ways that are complete: the other messages take other ways.
fn hops(stops: &[Stop]) -> Value {
    let mut took = vec![Vec::new(); WAY.len()];
    let mut others = vec![0_usize; WAY.len()];
    for way in stops.windows(WAY.len()) {
        if way.iter().map(|stop| stop.0).ne(WAY) {
            continue;
        }
        for (at, pair) in way.windows(2).enumerate() {
            took[at].push((pair[1].1 - pair[0].1).as_secs_f64() * 1e6);
            others[at] += usize::from(pair[0].2 != pair[1].2);
        }
        took[WAY.len() - 1].push((way[WAY.len() - 1].1 - way[0].1).as_secs_f64() * 1e6);
    }
    let names = WAY.windows(2).map(|pair| (pair[0], pair[1])).chain([(WAY[0], WAY[WAY.len() - 1])]);
    let rows = names.zip(&mut took).zip(others).map(|(((from, to), took), others)| {
        took.sort_unstable_by(f64::total_cmp);
        let p50 = took.get(took.len() / 2);
        let share = if took.is_empty() { 0.0 } else { others as f64 / took.len() as f64 };
        json!({ "from": from, "to": to, "p50_us": p50, "other_thread": share, "updates": took.len() })
    });
    rows.collect()
}

fn main() -> ExitCode {
    let recorder = Recorder::default();
    recorder.0.lock().unwrap_or_else(PoisonError::into_inner).reserve(MOST);
    tracing::subscriber::set_global_default(recorder.clone()).expect("nobody was before");
    let code = acp_bridge::cli::main_with(|_| None);
    if let Some(file) = std::env::var_os("HOPS") {
        let stops = recorder.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::write(file, hops(&stops).to_string()).expect("write the hops");
    }
    code
}
