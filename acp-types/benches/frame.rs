//! The hot path of a bridge: read a frame, rewrite its params, write a frame.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use acp_types::frame::{Limits, notification};
use acp_types::meta::UpdateMeta;
use acp_types::rewrite::{ParamsEdit, params, params_into};
use acp_types::{Frame, Raw};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const UPDATE: &str = r#"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"sess_0123456789abcdef","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"01234567890123456789012345678901234567890123456789"},"messageId":"m-1"}}}"#;

fn frame(c: &mut Criterion) {
    let mut group = c.benchmark_group("update");
    group.throughput(Throughput::Bytes(UPDATE.len() as u64));
    let limits = Limits::default();
    group.bench_function("parse", |b| b.iter(|| Frame::parse(black_box(UPDATE.as_bytes()), &limits).unwrap()));

    let Frame::Notification(update) = Frame::parse(UPDATE.as_bytes(), &limits).unwrap() else {
        panic!("not a notification")
    };
    let raw = update.params.unwrap();
    group.bench_function("meta+params", |b| {
        b.iter(|| {
            let mut meta = String::with_capacity(96);
            UpdateMeta { seq: 123_456, at: 1_700_000_000_000_000, turn: Some(7), lane: "main".into() }
                .push_to(&mut meta);
            let edit = ParamsEdit { session_id: Some("session-1"), meta: Some(("acp-bridge", Raw::trusted(&meta))) };
            params(black_box(raw), &edit)
        });
    });
    let mut out = String::new();
    group.bench_function("params_into", |b| {
        let edit = ParamsEdit { session_id: Some("session-1"), meta: Some(("acp-bridge", Raw::EMPTY_OBJECT)) };
        b.iter(|| {
            out.clear();
            params_into(&mut out, black_box(raw), &edit);
        });
    });
    group.bench_function("notification", |b| b.iter(|| notification("session/update", Some(black_box(raw)))));
    group.finish();
}

criterion_group!(benches, frame);
criterion_main!(benches);
