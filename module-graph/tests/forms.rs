//! Every form in which a module can name another is seen, on small crates.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use module_graph::{Crate, LoadError};

/// A crate with the rooms `gateway` and `host`, where `host` is this text.
fn host(text: &str) -> Crate {
    let root = "mod gateway; mod host; mod log; pub(crate) use gateway::Door; pub(crate) mod prelude;";
    Crate::parse(&[
        ("lib.rs", root),
        (
            "gateway.rs",
            "mod http; pub use http::serve; pub struct Door; pub enum Way { In, Out } macro_rules! open { () => {} }",
        ),
        ("gateway/http.rs", "pub fn serve() {}"),
        ("log.rs", "pub use crate::gateway::Door as Entry; pub type Gate = crate::gateway::Door; pub struct Log;"),
        ("prelude.rs", "pub use crate::*; pub use std::time::*;"),
        ("host.rs", text),
        ("host/inner.rs", "pub struct Inner;"),
        ("odd/place.rs", "use crate::gateway::Door;"),
    ])
    .unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn names(of: &Crate, from: &str, to: &str) -> bool {
    let inside = |path: &str, module: &str| path == module || path.starts_with(&format!("{module}::"));
    of.edges().iter().any(|edge| inside(&edge.from, from) && inside(&edge.to, to))
}

#[track_caller]
fn seen(text: &str) {
    assert!(names(&host(text), "crate::host", "crate::gateway"), "not seen: {text}");
}

#[track_caller]
fn innocent(text: &str) {
    let of = host(text);
    let found: Vec<_> = of.edges().into_iter().filter(|edge| edge.from.starts_with("crate::host")).collect();
    assert!(!names(&of, "crate::host", "crate::gateway"), "seen in {text}: {found:?}");
}

#[test]
fn imports_of_every_shape_are_seen() {
    for text in [
        "use crate::gateway;",
        "use crate::gateway::Door;",
        "use crate::{gateway, log};",
        "use crate::{log, gateway::{self}};",
        "use crate::{log::{self}, gateway::{http::{serve}}};",
        "use crate::gateway as anything;",
        "use crate::gateway::*;",
        "use crate::{gateway::*, log};",
        "use {crate::gateway::Door, std::fmt};",
        "use super::gateway;",
        "use super::{gateway, log};",
        "use self::super::gateway::Door;",
        "use crate::r#gateway::Door;",
        "use crate::log as _; use crate::gateway as _;",
        "pub(crate) use crate::gateway::Door;",
        "fn f() { use crate::gateway::Door; }",
        "fn f() { { fn g() { use crate::{log, gateway}; } } }",
        "mod deep { mod deeper { use super::super::super::gateway; } }",
        "impl Default for X { fn default() -> Self { use crate::gateway::Door as D; X } } struct X;",
    ] {
        seen(text);
    }
}

#[test]
fn a_way_around_through_names_of_the_root_is_seen() {
    for text in [
        "use crate as all; fn f() { all::gateway::serve() }",
        "use super as up; use up::gateway;",
        "use crate::*; fn f() { gateway::serve() }",
        "use super::*; type T = gateway::Door;",
        "use crate::*; fn f(_: Door) {}",
        "use crate::Door;",
        "use crate::prelude::*; fn f(_: Door) {}",
        "use crate::prelude::*; fn f() { gateway::serve() }",
        "extern crate self as me; fn f() { me::gateway::serve() }",
        "mod deep { use super::*; fn f() { gateway::serve() } } use crate::gateway;",
    ] {
        seen(text);
    }
    let root = "extern crate self as me; mod host; mod gateway;";
    let of =
        Crate::parse(&[("lib.rs", root), ("host.rs", "fn f() { me::gateway::f() }"), ("gateway.rs", "pub fn f() {}")]);
    assert!(names(&of.unwrap(), "crate::host", "crate::gateway"));
}

#[test]
fn a_re_export_or_an_alias_does_not_hide_what_it_stands_for() {
    for text in [
        "use crate::log::Entry;",
        "use crate::log::Gate;",
        "use crate::log as l; fn f(_: l::Gate) {}",
        "fn f(_: crate::log::Entry) {}",
    ] {
        seen(text);
        assert!(names(&host(text), "crate::host", "crate::log"), "the one that hands it on: {text}");
    }
    innocent("use crate::log::Log;");
}

#[test]
fn paths_outside_of_imports_are_seen() {
    for text in [
        "fn f() { crate::gateway::serve(); }",
        "fn f() -> super::gateway::Door { loop {} }",
        "struct S { door: crate::gateway::Door }",
        "struct S<T: Into<crate::gateway::Door>>(T);",
        "impl From<crate::gateway::Door> for S {} struct S;",
        "fn f<T>() where T: AsRef<[crate::gateway::Door]> {}",
        "fn f(way: u8) { match way { crate::gateway::Way::In => {} _ => {} } }",
        "const N: usize = size_of::<crate::gateway::Door>();",
        "fn f() { let _ = <crate::gateway::Door>::new(); }",
        "fn f() { let _ = <crate::gateway::Door as Default>::default(); }",
        "fn f() { let _: Vec<u8> = x.into_iter().map(crate::gateway::serve).collect(); }",
        "fn f() { crate::gateway::open!(); }",
        "type T = dyn Fn(crate::gateway::Door) -> u8;",
        "fn f() -> impl Iterator<Item = crate::gateway::Door> {}",
        "static S: &(dyn Fn() + Sync) = &|| crate::gateway::serve();",
        "trait T { type A; fn f() { crate::gateway::serve() } }",
        "union U { a: u8, b: crate::gateway::Door }",
        "enum E { A(crate::gateway::Door) }",
        "extern \"C\" { fn f(door: crate::gateway::Door); }",
        "async fn f() { async { crate::gateway::serve() }.await }",
    ] {
        seen(text);
    }
}

#[test]
fn paths_among_the_tokens_of_macros_are_seen() {
    for text in [
        "fn f() { assert!(crate::gateway::serve() == 1); }",
        "fn f() { println!(\"{}\", super::gateway::NAME); }",
        "macro_rules! m { () => { $crate::gateway::serve() } }",
        "macro_rules! m { () => { use crate::{log, gateway}; } }",
        "macro_rules! m { () => { use $crate::{log, gateway::*}; } }",
        "macro_rules! m { ($t:ty) => { impl From<$crate::gateway::Door> for $t {} } }",
        "fn f() { select! { _ = a => ::std::fs::read(), x = b => crate::gateway::serve(x) } }",
        "thread_local! { static D: crate::gateway::Door = const { crate::gateway::Door }; }",
        "fn f() { vec![1, 2].iter().map::<crate::gateway::Door, _>(g) }",
        "fn f() { matches!(x, &crate::gateway::Way::In); }",
        "use super as up; fn f() { assert!(up::gateway::serve()); }",
        "wrapped! { use super as up; fn f() { up::gateway::serve() } }",
        "wrapped! { use crate::{log, gateway::{self, http}}; }",
        "use crate::*; fn f() { vec![Door]; }",
        "fn f() { open!(); }",
        "fn f() { assert!((0..crate::gateway::N).contains(&1)); }",
    ] {
        seen(text);
    }
}

#[test]
fn paths_in_attributes_are_seen() {
    for text in [
        "#[derive(crate::gateway::Derive)] struct S;",
        "#[crate::gateway::attribute] fn f() {}",
        "struct S { #[serde(with = \"crate::gateway::form\")] a: u8 }",
        "struct S { #[serde(default = \"super::gateway::default\")] a: u8 }",
        "#[cfg_attr(unix, serde(bound = \"crate::gateway::Door\"))] struct S;",
    ] {
        seen(text);
    }
    innocent("/// See [`crate::gateway`].\nstruct S;");
}

#[test]
fn files_of_modules_are_found_wherever_they_are() {
    for (text, place) in [
        ("#[path = \"odd/place.rs\"] mod elsewhere;", "odd/place.rs"),
        ("#[cfg_attr(unix, path = \"odd/place.rs\")] mod elsewhere;", "odd/place.rs"),
        ("mod inline { #[path = \"odd/place.rs\"] mod elsewhere; }", "host/inline/odd/place.rs"),
        ("mod inline { mod elsewhere; }", "host/inline/elsewhere.rs"),
        ("#[cfg(unix)] mod elsewhere; #[cfg(windows)] #[path = \"odd.rs\"] mod elsewhere;", "odd.rs"),
    ] {
        let files = [("lib.rs", "mod host; mod gateway;"), ("gateway.rs", "pub struct Door;"), ("host.rs", text)];
        let odd = [(place, "use crate::gateway::Door;"), ("host/elsewhere.rs", "")];
        let of = Crate::parse(&[&files[..], &odd[..]].concat()).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(names(&of, "crate::host", "crate::gateway"), "{text}");
    }
    let of =
        Crate::parse(&[("lib.rs", "mod a;"), ("a/mod.rs", "mod b;"), ("a/b.rs", "mod c;"), ("a/b/c.rs", "")]).unwrap();
    assert_eq!(of.modules().collect::<Vec<_>>(), ["crate", "crate::a", "crate::a::b", "crate::a::b::c"]);
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let parse = |text: &str| Crate::parse(&[("lib.rs", text)]).unwrap_err();
    assert!(matches!(parse("mod gone;"), LoadError::Missing { module, .. } if module == "crate::gone"));
    assert!(matches!(parse("fn f() {"), LoadError::Syntax { .. }));
    assert!(matches!(parse("\ninclude!(\"x.rs\");"), LoadError::Include { line: 2, .. }));
}

#[test]
fn what_only_looks_like_another_module_is_not_taken_for_it() {
    for text in [
        "fn f(gateway: u8) -> u8 { gateway + 1 }",
        "fn f() { let gateway = 1; println!(\"{}\", gateway); }",
        "use super::*; fn f(gateway: u8) { assert!(gateway > 1); }",
        "struct S { gateway: u8 } fn f(s: S) { s.gateway.serve(); }",
        "mod gateway { pub fn serve() {} } fn f() { gateway::serve() }",
        "fn f() { \"crate::gateway::serve\"; }",
        "// crate::gateway\n",
        "use other::gateway; fn f() { gateway::serve() }",
        "fn f<'gateway>(x: &'gateway u8) { m!(&'gateway u8) }",
        "mod inner; use inner::Inner; pub(super) fn f(_: Inner) {}",
    ] {
        innocent(text);
    }
}

#[test]
fn tests_are_told_apart() {
    let tests = |text: &str| {
        let of = host(text);
        let edges = of.edges();
        let mut found = edges.iter().filter(|edge| edge.from.starts_with("crate::host") && edge.to == "crate::gateway");
        let first = found.next().unwrap_or_else(|| panic!("{text}")).place.test;
        assert!(found.all(|edge| edge.place.test == first));
        first
    };
    for text in [
        "#[cfg(test)] mod tests { use crate::gateway::Door; }",
        "#[cfg(all(test, unix))] use crate::gateway::Door;",
        "#[test] fn f() { crate::gateway::Door; }",
        "#[cfg(test)] mod tests { mod kit { type D = crate::gateway::Door; } }",
        "#![cfg(test)] use crate::gateway::Door;",
    ] {
        assert!(tests(text), "{text}");
    }
    for text in ["#[cfg(any(test, unix))] use crate::gateway::Door;", "#[cfg(not(test))] use crate::gateway::Door;"] {
        assert!(!tests(text), "{text}");
    }
}

#[test]
fn literals_are_found_in_code_and_macros_and_told_by_value() {
    let of = host(
        "const A: &str = \"a\\u{62}\"; fn f() { m!(x, \"c\"); g(br#\"d\"#) } #[doc = \"e\"] #[serde(rename = \"g\")] struct S;",
    );
    let values: Vec<&str> = of.literals().map(|literal| &*literal.value).collect();
    assert_eq!(values, ["ab", "c", "d", "g"]);
    let of = host("fn f() { g(\"a/b\", \"a/bc\"); }\n#[cfg(test)] mod tests { const A: &str = \"a/b\"; }");
    assert_eq!(of.literals_of(&["a/b", "c/d"]), ["host.rs:1: \"a/b\""]);
}

#[test]
fn a_visibility_names_who_may_use_an_item_and_uses_nothing_itself() {
    innocent("pub(in crate::gateway) struct Shown; pub(in crate::gateway) fn shown() {}");
    innocent("pub struct Shown { pub(in crate::gateway) member: u8 }");
}
