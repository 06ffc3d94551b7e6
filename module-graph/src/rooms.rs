//! The structure that a crate promises: rooms, and which may know which.

use std::collections::{BTreeMap, BTreeSet};

use crate::edge::Edge;
use crate::module::within;
use crate::source::Crate;

/// A room: a module with all that is in it, without those that are rooms themselves.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "tests write tables of it")]
pub struct Room<'a> {
    /// Path of its module, for example `crate::host`.
    pub name: &'a str,
    /// Rooms that it may name something of.
    pub knows: &'a [&'a str],
}

/// The structure of a crate.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "tests write tables of it")]
pub struct Rooms<'a> {
    /// All rooms. Every module must be in one; a room without a module is allowed.
    pub rooms: &'a [Room<'a>],
    /// Edges that break the table and are still there: a module, and the room that it should not know.
    pub still_allowed: &'a [(&'a str, &'a str)],
    /// Whether code for tests must keep to the table, too.
    pub tests_too: bool,
}

impl Rooms<'_> {
    /// What is wrong with a crate, or with the table.
    #[must_use]
    pub fn faults(&self, of: &Crate) -> Vec<String> {
        let mut faults = self.faults_of_table();
        for module in of.modules() {
            if self.room(module).is_none() {
                faults.push(format!("{module} is in no room: say in the table what it may know"));
            }
        }
        let mut needed = BTreeSet::new();
        let mut shown = BTreeSet::new();
        for edge in of.edges() {
            if edge.place.test && !self.tests_too {
                continue;
            }
            let (Some(from), Some(to)) = (self.room(&edge.from), self.room(&edge.to)) else { continue };
            if from.name == to.name || from.knows.contains(&to.name) {
                continue;
            }
            let excuse = self.still_allowed.iter().find(|(module, room)| *module == edge.from && *room == to.name);
            match excuse {
                Some(excuse) => {
                    needed.insert(*excuse);
                }
                None if shown.insert((edge.from.clone(), edge.to.clone())) => faults.push(describe(&edge, to)),
                None => {}
            }
        }
        for entry in self.still_allowed.iter().filter(|entry| !needed.contains(*entry)) {
            faults.push(format!("{} no longer names {}: strike it from the list of exceptions", entry.0, entry.1));
        }
        faults
    }

    /// Circles among the rooms, as far as the exceptions do not explain them.
    #[must_use]
    pub fn circles(&self, of: &Crate) -> Vec<String> {
        let mut knows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for edge in of.edges() {
            let (Some(from), Some(to)) = (self.room(&edge.from), self.room(&edge.to)) else { continue };
            let excused = self.still_allowed.iter().any(|(module, room)| *module == edge.from && *room == to.name);
            if from.name != to.name && !excused && (self.tests_too || !edge.place.test) {
                knows.entry(from.name).or_default().insert(to.name);
            }
        }
        circles(&knows)
    }

    fn faults_of_table(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let names: BTreeSet<&str> = self.rooms.iter().map(|room| room.name).collect();
        let mut knows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for room in self.rooms {
            for other in room.knows {
                if !names.contains(other) {
                    faults.push(format!("the table lets {} know {other}, which is no room", room.name));
                }
                knows.entry(room.name).or_default().insert(other);
            }
        }
        faults.extend(circles(&knows).into_iter().map(|circle| format!("the table allows a circle: {circle}")));
        faults
    }

    fn room(&self, module: &str) -> Option<&Room<'_>> {
        self.rooms.iter().filter(|room| is_in(module, room.name)).max_by_key(|room| room.name.len())
    }
}

/// The root is a room of its own: a module is not in it because its path begins there.
fn is_in(module: &str, room: &str) -> bool {
    if room == "crate" { module == "crate" } else { within(module, room) }
}

fn describe(edge: &Edge, room: &Room<'_>) -> String {
    format!("{}: {} names {}, and must know nothing of {}", edge.place, edge.from, edge.to, room.name)
}

/// Every room that can be reached from itself, with the way, once for each circle.
fn circles<'a>(knows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for start in knows.keys() {
        let Some(way) = way_back(knows, start) else { continue };
        let mut members: Vec<&str> = way.clone();
        members.sort_unstable();
        if seen.insert(members) {
            found.push(format!("{} -> {start}", way.join(" -> ")));
        }
    }
    found
}

/// The shortest way from a room to itself, without its end.
fn way_back<'a>(knows: &BTreeMap<&'a str, BTreeSet<&'a str>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = std::collections::VecDeque::from([vec![start]]);
    let mut visited = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let last = way.last()?;
        for next in knows.get(last).into_iter().flatten() {
            if *next == start {
                return Some(way);
            }
            if visited.insert(*next) {
                let mut longer = way.clone();
                longer.push(next);
                ways.push_back(longer);
            }
        }
    }
    None
}
