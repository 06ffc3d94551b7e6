//! Which modules of a crate name which, read from its source.
//!
//! The source is parsed and every path in it is resolved as the compiler does it: `use` trees with groups, renames and
//! globs, re-exports and type aliases, paths in expressions, types, patterns, bounds and attributes, and paths among
//! the tokens of macros. Where the compiler would choose by types or by a macro's expansion, all candidates count: the
//! graph may have an edge too many, not one too few.
//!
//! Two things it cannot see: a value that is used without its type being named, and a name that a macro puts together
//! from parts.

mod circles;
mod edge;
mod load;
mod module;
mod purity;
mod resolve;
mod rooms;
mod scan;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use edge::{Edge, Import};
pub use load::LoadError;
pub use module::{Literal, Place};
pub use rooms::{Room, Rooms};

use module::{Mention, Module};
use resolve::Target;

/// The modules of one crate.
#[derive(Debug)]
pub struct Crate {
    /// By path: `crate`, `crate::host`, `crate::host::services`.
    modules: BTreeMap<String, Module>,
}

impl Crate {
    /// Reads a crate from its root file, for example `src/lib.rs`, and all files of its modules.
    ///
    /// # Errors
    /// When a file cannot be read or is no Rust, and when a file below the root's folder belongs to no module: what is
    /// not read must not pass for harmless. `others` are root files of other crates in the same folder (`main.rs`).
    pub fn read(root: &Path, others: &[&str]) -> Result<Self, LoadError> {
        let loaded = load::from(root, &|path: &Path| std::fs::read_to_string(path).ok())?;
        load::no_file_is_left_out(root, others, &loaded)?;
        Ok(Self { modules: loaded })
    }

    /// Reads a crate from texts. The first file is the root.
    ///
    /// # Errors
    /// When a file is no Rust, or the file of a module is not among them.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, LoadError> {
        let root = files.first().map_or("lib.rs", |(name, _)| name);
        let find =
            |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
        Ok(Self { modules: load::from(Path::new(root), &find)? })
    }

    /// Paths of all modules, parents first.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// Every use of one module by another, in their order.
    #[must_use]
    pub fn edges(&self) -> BTreeSet<Edge> {
        let mut edges = BTreeSet::new();
        self.each_target(|from, target, mention| {
            let to = match target {
                Target::Module(to) | Target::Passed(to) | Target::Item { module: to, .. } => to,
                Target::Outside(_) => return,
            };
            if to != from {
                edges.insert(Edge { from: from.to_owned(), to: to.clone(), place: mention.place.clone() });
            }
        });
        edges
    }

    /// Circles among the modules in this one, itself included: each is the modules that all reach each other, by name.
    ///
    /// A module that only hands on what another one defines is no part of a way, and neither is code for tests.
    #[must_use]
    pub fn circles(&self, inside: &str) -> Vec<Vec<String>> {
        circles::inside(self, inside)
    }

    /// Every use of another crate, in the order of the modules.
    #[must_use]
    pub fn imports(&self) -> BTreeSet<Import> {
        let mut imports = BTreeSet::new();
        self.each_target(|from, target, mention| {
            if let Target::Outside(path) = target {
                imports.insert(Import { from: from.to_owned(), path: path.join("::"), place: mention.place.clone() });
            }
        });
        imports
    }

    /// Every string literal, those among the tokens of macros too; without documentation.
    pub fn literals(&self) -> impl Iterator<Item = &Literal> {
        self.modules.values().flat_map(|module| &module.literals)
    }

    /// String literals outside of tests that are one of these words, each as its place and the word.
    #[must_use]
    pub fn literals_of(&self, words: &[&str]) -> Vec<String> {
        let found = self.literals().filter(|literal| !literal.place.test && words.contains(&&*literal.value));
        found.map(|literal| format!("{}: {:?}", literal.place, literal.value)).collect()
    }

    /// What a pure module must not have: I/O, clocks, threads, channels, anything asynchronous, and crates that are
    /// not among `crates`. Looks at the module of that path and all modules in it, without tests.
    #[must_use]
    pub fn impurities(&self, module: &str, crates: &[&str]) -> Vec<String> {
        purity::faults(self, module, crates)
    }

    fn each_target(&self, mut seen: impl FnMut(&str, &Target, &Mention)) {
        for module in self.modules.values() {
            for mention in &module.mentions {
                for target in resolve::targets(&self.modules, module, mention) {
                    seen(&module.name, &target, mention);
                }
            }
        }
    }
}

/// Whether a path is that of a module or of something in it.
fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
