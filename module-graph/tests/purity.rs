//! What must not be in a pure module is found however it is named.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use module_graph::Crate;

fn impurities(text: &str) -> Vec<String> {
    let of = Crate::parse(&[
        ("lib.rs", "mod logic; mod other;"),
        ("other.rs", "pub use std::fs; pub type Clock = std::time::Instant;"),
        ("logic.rs", text),
    ]);
    of.unwrap_or_else(|error| panic!("{error}: {text}")).impurities("crate::logic", &["serde", "acp_server::proto"])
}

#[test]
fn io_clocks_threads_and_channels_are_found_under_any_name() {
    for text in [
        "use tokio::sync::oneshot;",
        "use std::io;",
        "use std::{fmt, io::{self, Read}};",
        "use std::fs as disk;",
        "use std as s; fn f() { s::net::lookup() }",
        "use ::std::fs::read;",
        "use std::*; fn f() { fs::read(x) }",
        "use core::net::IpAddr;",
        "use std::sync; fn f() { sync::mpsc::channel(); }",
        "use std::time::SystemTime;",
        "fn f() { std::time::Instant::now(); }",
        "use std::time::Instant; fn f() { Instant::now(); }",
        "use std::time::Instant as I; fn f() { let now = I::now; }",
        "use std::time::Instant; fn f() { <Instant>::now(); }",
        "type T = std::time::Instant; fn f() { T::now(); }",
        "use crate::other::Clock; fn f() { Clock::now(); }",
        "use crate::other::fs; fn f() { fs::read(x); }",
        "use std::time::Instant; fn f() { assert!(Instant::now() > x); }",
        "fn f(start: I) { start.elapsed(); }",
        "fn f(path: &std::path::Path) -> bool { path.exists() }",
        "use std::time::*; fn f(now: Instant) {}",
        "use std::time::*; fn f() { other_crate::f() }",
        "fn f(start: I) { debug!(\"{}\", start.elapsed()); }",
        "async fn f() {}",
        "fn f() { async {}; }",
        "fn f() { async || {}; }",
        "fn f() { spawn!(async move { x.await }) }",
        "trait T { async fn f(); }",
        "fn f() { println!(\"x\"); }",
        "extern crate tokio as t; fn f() { t::spawn(x) }",
        "fn f() { acp_server::transport::memory() }",
        "use other_crate::Thing;",
        "mod deep { mod deeper { use std::fs; } }",
    ] {
        assert!(!impurities(text).is_empty(), "not found: {text}");
    }
}

#[test]
fn what_is_pure_is_left_alone() {
    for text in [
        "use std::time::Duration; fn f(now: u64) -> Duration { Duration::from_micros(now) }",
        "use std::path::Path; fn f(path: &Path) -> bool { path.is_absolute() }",
        "use serde::Serialize; #[derive(Serialize)] struct S;",
        "use acp_server::proto::Limits;",
        "fn f() { let x = u8::MAX; let s = String::from(\"std::io\"); vec![1u8]; format!(\"{x}\"); }",
        "#[cfg(test)] mod tests { use std::fs; #[tokio::test] async fn f() {} }",
        "fn f(io: u8) { io + 1; }",
        "mod io { pub fn f() {} } fn g() { io::f() }",
    ] {
        assert_eq!(impurities(text), Vec::<String>::new(), "{text}");
    }
}
