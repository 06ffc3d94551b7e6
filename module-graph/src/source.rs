//! The source of a crate: its modules, and what each names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::edge::{Edge, Import};
use crate::error::LoadError;
use crate::load;
use crate::module::{Literal, Mention, Module};
use crate::resolve::{self, Target};

/// The modules of one crate.
#[derive(Debug)]
pub struct Crate {
    /// By path: `crate`, `crate::host`, `crate::host::services`.
    pub(crate) modules: BTreeMap<String, Module>,
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

    /// Everything that a module names: the module, what is named, and where.
    pub(crate) fn each_target(&self, mut seen: impl FnMut(&str, &Target, &Mention)) {
        for module in self.modules.values() {
            for mention in &module.mentions {
                for target in resolve::targets(&self.modules, module, mention) {
                    seen(&module.name, &target, mention);
                }
            }
        }
    }
}
