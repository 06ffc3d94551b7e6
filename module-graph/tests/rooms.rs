//! A table of rooms finds what breaks it, and what is no longer true in it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use module_graph::{Crate, Room, Rooms};

const ROOMS: &[Room<'_>] = &[
    Room { name: "crate", knows: &["crate::top", "crate::low"] },
    Room { name: "crate::top", knows: &["crate::low", "crate::top::side"] },
    Room { name: "crate::top::side", knows: &[] },
    Room { name: "crate::low", knows: &[] },
];

fn read(top: &str, side: &str, low: &str) -> Crate {
    Crate::parse(&[
        ("lib.rs", "mod top; mod low; pub use top::Top;"),
        ("top.rs", &format!("mod side; pub struct Top; {top}")),
        ("top/side.rs", &format!("pub struct Side; {side}")),
        ("low.rs", &format!("pub struct Low; {low}")),
    ])
    .unwrap()
}

fn rooms<'a>(still_allowed: &'a [(&'a str, &'a str)]) -> Rooms<'a> {
    Rooms { rooms: ROOMS, still_allowed, tests_too: false }
}

#[test]
fn what_keeps_to_the_table_has_no_faults() {
    let of = read("use crate::low::Low; use side::Side;", "", "#[cfg(test)] use crate::top::Top;");
    assert_eq!(rooms(&[]).faults(&of), Vec::<String>::new());
    assert_eq!(rooms(&[]).circles(&of), Vec::<String>::new());
    let strict = Rooms { tests_too: true, ..rooms(&[]) };
    assert_eq!(strict.faults(&of).len(), 1);
}

#[test]
fn an_edge_against_the_table_is_a_fault_with_its_place() {
    let of = read("use crate::low::Low;", "", "\nuse crate::{top::Top};");
    let faults = rooms(&[]).faults(&of);
    assert_eq!(faults, ["low.rs:2: crate::low names crate::top, and must know nothing of crate::top"]);
    assert_eq!(rooms(&[]).circles(&of), ["crate::low -> crate::top -> crate::low"]);
}

#[test]
fn a_room_in_a_room_is_one_of_its_own() {
    let of = read("", "use super::Top;", "");
    assert_eq!(rooms(&[]).faults(&of).len(), 1);
    let of = read("", "", "use crate::Top;");
    assert_eq!(rooms(&[]).faults(&of).len(), 2, "the root that hands it on, and what it is");
}

#[test]
fn an_exception_holds_for_its_module_and_only_as_long_as_it_is_needed() {
    let exception = [("crate::low", "crate::top")];
    let of = read("use crate::low::Low;", "", "use crate::top::Top;");
    assert_eq!(rooms(&exception).faults(&of), Vec::<String>::new());
    assert_eq!(rooms(&exception).circles(&of), Vec::<String>::new());
    let of = read("", "", "mod deep { use crate::top::Top; }");
    let faults = rooms(&exception).faults(&of);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[1].contains("strike it from the list"), "{faults:?}");
}

#[test]
fn every_module_is_in_a_room_and_the_table_has_no_circle() {
    let of = Crate::parse(&[("lib.rs", "mod new { }")]).unwrap();
    assert!(rooms(&[]).faults(&of)[0].contains("crate::new is in no room"));
    let circle = [Room { name: "crate::a", knows: &["crate::b"] }, Room { name: "crate::b", knows: &["crate::a"] }];
    let table = Rooms { rooms: &circle, still_allowed: &[], tests_too: false };
    let faults = table.faults(&Crate::parse(&[("lib.rs", "mod a {} mod b {}")]).unwrap());
    assert!(faults.iter().any(|fault| fault.contains("the table allows a circle")), "{faults:?}");
}

#[test]
fn modules_that_reach_each_other_are_a_circle_and_who_only_hands_on_is_in_none() {
    let of = Crate::parse(&[
        ("lib.rs", "mod a; mod b; mod c; mod d; pub use a::A; pub use d::D;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::c::C; pub struct B;"),
        ("c.rs", "use super::A; pub struct C;"),
        ("d.rs", "use super::A; pub struct D; #[cfg(test)] mod tests { use super::D; use crate::a::A; }"),
    ])
    .unwrap();
    assert_eq!(of.circles("crate"), [["crate::a", "crate::b", "crate::c"]]);
    assert_eq!(of.circles("crate::a"), Vec::<Vec<String>>::new());
}

#[test]
fn a_module_and_the_one_it_is_in_are_a_circle_if_each_needs_the_other() {
    let of = read("use side::Side;", "use super::Top;", "");
    assert_eq!(of.circles("crate"), [["crate::top", "crate::top::side"]]);
    let of = read("pub use side::Side;", "", "use crate::top::Side;");
    assert_eq!(of.circles("crate"), Vec::<Vec<String>>::new());
}
