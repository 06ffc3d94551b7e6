//! Circles among modules.

use std::collections::{BTreeMap, BTreeSet};

use crate::module::within;
use crate::resolve::Target;
use crate::source::Crate;

type Graph = BTreeMap<String, BTreeSet<String>>;

impl Crate {
    /// Circles among the modules in this one, itself included: each is the modules that all reach each other, by name.
    ///
    /// A module that only hands on what another one defines is no part of a way, and neither is code for tests.
    #[must_use]
    pub fn circles(&self, inside: &str) -> Vec<Vec<String>> {
        let mut knows: Graph = BTreeMap::new();
        self.each_target(|from, target, mention| {
            let (Target::Module(to) | Target::Item { module: to, .. }) = target else { return };
            let counts = !mention.place.test && !mention.reexport;
            if to != from && counts && within(from, inside) && within(to, inside) {
                knows.entry(from.to_owned()).or_default().insert(to.clone());
            }
        });
        groups(&knows)
    }
}

/// Groups of two or more nodes that all reach each other, in order.
fn groups(graph: &Graph) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|node| (node.as_str(), reach(graph, node))).collect();
    let mut found = BTreeSet::new();
    for (node, reaches) in &reached {
        let both = |other: &&&str| reached.get(**other).is_some_and(|back| back.contains(node));
        let group: Vec<String> = reaches.iter().filter(both).map(|&other| other.to_owned()).collect();
        if group.len() > 1 {
            found.insert(group);
        }
    }
    found.into_iter().collect()
}

/// What can be reached from a node in one step or more.
fn reach<'a>(graph: &'a Graph, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = vec![from];
    while let Some(node) = open.pop() {
        for next in graph.get(node).into_iter().flatten() {
            if reached.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    reached
}
