//! What one module says, before anything is resolved.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// Whether it is compiled for tests only.
    pub test: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A string literal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Literal {
    /// What it says.
    pub value: String,
    /// Where.
    pub place: Place,
}

/// A module as it is written.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) name: String,
    /// One; more if it is declared more than once, each time under another condition.
    pub(crate) files: Vec<PathBuf>,
    /// What its names stand for. One name can stand for several things: a function and a module, or imports of
    /// different functions' bodies.
    pub(crate) names: BTreeMap<String, Vec<Meaning>>,
    pub(crate) globs: Vec<RawPath>,
    /// `extern crate x as y`: in the root, such names hold in all modules.
    pub(crate) extern_crates: BTreeMap<String, RawPath>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) literals: Vec<Literal>,
    pub(crate) asynchronous: Vec<Place>,
    /// Names of methods that are called.
    pub(crate) calls: Vec<(String, Place)>,
}

impl Module {
    /// Takes what another declaration of the same module says.
    pub(crate) fn join(&mut self, other: Self) {
        self.files.extend(other.files);
        for (name, meanings) in other.names {
            self.names.entry(name).or_default().extend(meanings);
        }
        self.globs.extend(other.globs);
        self.extern_crates.extend(other.extern_crates);
        self.mentions.extend(other.mentions);
        self.literals.extend(other.literals);
        self.asynchronous.extend(other.asynchronous);
        self.calls.extend(other.calls);
    }
}

/// What a name of a module stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A module in it, by its path.
    Module(String),
    /// Something that it defines.
    Item(Space),
    /// What is at that path: an import or a type alias.
    Alias(RawPath),
}

/// The three kinds of names that do not get in each other's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    Type,
    Value,
    Macro,
}

/// A path as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawPath {
    /// Begins with `::`.
    pub(crate) outside: bool,
    pub(crate) segments: Vec<String>,
}

/// A path in the source.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) path: RawPath,
    pub(crate) form: Form,
    /// It hands something on to other modules; what the module itself does with that is said elsewhere.
    pub(crate) reexport: bool,
    pub(crate) place: Place,
}

/// Where a path stands, as far as it matters for what it can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// In a `use` or an `extern crate`.
    Use,
    /// Behind `use` with a `*`: the module and nothing of its own.
    Glob,
    /// Anywhere else. A single name that is also a module's is not the module.
    Path,
    /// The name of a macro that is called.
    Macro,
}

/// Whether a path is that of a module or of something in it.
pub(crate) fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
