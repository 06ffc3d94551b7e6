//! What a path stands for.

use std::collections::BTreeMap;

use crate::module::{Form, Meaning, Mention, Module, RawPath, Space};

type Modules = BTreeMap<String, Module>;

/// What a path leads to, or passes on the way as a re-export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Module(String),
    /// A module that hands on what another one defines.
    Passed(String),
    /// Something that this module defines.
    Item {
        module: String,
        /// `None` if the source does not show where it is defined, as with what a macro makes.
        space: Option<Space>,
    },
    /// Something of another crate.
    Outside(Vec<String>),
}

/// Everything that a mention leads to.
pub(crate) fn targets(modules: &Modules, module: &Module, mention: &Mention) -> Vec<Target> {
    let mut search = Search { modules, open: Vec::new(), passed: Vec::new(), guess: false };
    let single = mention.path.segments.len() == 1 && !mention.path.outside;
    let mut found = search.path(module, &mention.path, mention.form);
    match mention.form {
        // A lone name is a value, a type or a macro. What could be a module of that name is something local.
        Form::Path if single => found.retain(|target| matches!(target, Target::Item { .. } | Target::Outside(_))),
        Form::Macro if single => {
            found
                .retain(|target| matches!(target, Target::Item { space: Some(Space::Macro), .. } | Target::Outside(_)));
            if found.is_empty() {
                found = macros(modules, &mention.path.segments[0]);
            }
        }
        _ => {}
    }
    found.extend(search.passed.into_iter().map(Target::Passed));
    found
}

/// Macros by their scope in the text: any module that defines one of that name. Without one, it is one of `std`.
fn macros(modules: &Modules, name: &str) -> Vec<Target> {
    let defines = |module: &&Module| {
        module.names.get(name).is_some_and(|meanings| meanings.contains(&Meaning::Item(Space::Macro)))
    };
    let found: Vec<Target> = modules
        .values()
        .filter(defines)
        .map(|module| Target::Item { module: module.name.clone(), space: Some(Space::Macro) })
        .collect();
    if found.is_empty() { vec![Target::Outside(vec!["std".to_owned(), name.to_owned()])] } else { found }
}

struct Search<'a> {
    modules: &'a Modules,
    /// Names that are being looked up, so that `use a::b; use b::a` ends.
    open: Vec<(String, String)>,
    /// Modules whose imports were followed from elsewhere.
    passed: Vec<String>,
    /// Whether a name can come from a glob of another crate, whose names are not known.
    guess: bool,
}

impl Search<'_> {
    fn path(&mut self, from: &Module, path: &RawPath, form: Form) -> Vec<Target> {
        let Some((first, rest)) = path.segments.split_first() else {
            // `use {a, b}` and `use *` without a prefix.
            return Vec::new();
        };
        if path.outside {
            return vec![outside(path.segments.clone())];
        }
        let last = rest.is_empty();
        let mut found = match first.as_str() {
            "crate" => vec![Target::Module("crate".to_owned())],
            "self" => vec![Target::Module(from.name.clone())],
            "super" => parent(&from.name).map(Target::Module).into_iter().collect(),
            "Self" => Vec::new(),
            name => self.scope(from, name, last, form),
        };
        for (index, segment) in rest.iter().enumerate() {
            let last = index + 1 == rest.len();
            found = found.into_iter().flat_map(|target| self.member(from, target, segment, last)).collect();
        }
        found
    }

    /// A name without anything before it.
    fn scope(&mut self, from: &Module, name: &str, last: bool, form: Form) -> Vec<Target> {
        let found = self.known(from, name, last);
        if !found.is_empty() {
            return found;
        }
        let mut found = self.guessed(from, name, last);
        let root = self.modules.get("crate");
        if let Some(path) = root.and_then(|root| root.extern_crates.get(name)) {
            let own = Target::Module("crate".to_owned());
            found.push(if path.outside { outside(path.segments.clone()) } else { own });
            return found;
        }
        // A lone name that nothing declares is a local variable or one of the prelude.
        if !last || form == Form::Use || form == Form::Glob {
            found.push(outside(vec![name.to_owned()]));
        }
        found
    }

    fn member(&mut self, from: &Module, target: Target, segment: &str, last: bool) -> Vec<Target> {
        match target {
            Target::Outside(mut path) => {
                path.push(segment.to_owned());
                vec![Target::Outside(path)]
            }
            Target::Passed(_) => Vec::new(),
            Target::Module(name) if segment == "super" => parent(&name).map(Target::Module).into_iter().collect(),
            Target::Module(name) if segment == "self" => vec![Target::Module(name)],
            Target::Module(name) => {
                let Some(module) = self.modules.get(&name) else { return Vec::new() };
                let mut found = self.known(module, segment, last);
                if found.is_empty() {
                    found = self.guessed(module, segment, last);
                    found.push(Target::Item { module: name.clone(), space: None });
                }
                let elsewhere = |target: &Target| match target {
                    Target::Module(path) => parent(path).as_deref() != Some(name.as_str()),
                    Target::Item { module, .. } => *module != name,
                    Target::Outside(_) | Target::Passed(_) => true,
                };
                if name != from.name && found.iter().any(elsewhere) {
                    self.passed.push(name);
                }
                found.dedup();
                found
            }
            // What is behind a type, a trait or an enum belongs to it.
            item @ Target::Item { .. } => vec![item],
        }
    }

    /// What a name of a module stands for without guessing.
    fn known(&mut self, module: &Module, name: &str, last: bool) -> Vec<Target> {
        self.with_guess(false, module, name, last)
    }

    /// What a name of a module can stand for if it comes from a glob of another crate.
    fn guessed(&mut self, module: &Module, name: &str, last: bool) -> Vec<Target> {
        self.with_guess(true, module, name, last)
    }

    fn with_guess(&mut self, guess: bool, module: &Module, name: &str, last: bool) -> Vec<Target> {
        let before = std::mem::replace(&mut self.guess, guess);
        let found = self.lookup(module, name, last);
        self.guess = before;
        found
    }

    /// What a name of a module stands for. `last` says that nothing follows it, so that it can be a value.
    fn lookup(&mut self, module: &Module, name: &str, last: bool) -> Vec<Target> {
        let key = (module.name.clone(), name.to_owned());
        if self.open.contains(&key) {
            // `pub use helper;` next to `macro_rules! helper`, or `use tokio;`: what it means without that import.
            return Self::declared(module, name);
        }
        self.open.push(key);
        let mut found = Self::declared(module, name);
        for meaning in module.names.get(name).into_iter().flatten() {
            if let Meaning::Alias(path) = meaning {
                found.extend(self.path(module, path, Form::Use));
            }
        }
        if !last {
            found.retain(|target| !matches!(target, Target::Item { space: Some(Space::Value | Space::Macro), .. }));
        }
        let hidden: Vec<Option<Space>> = found.iter().map(space).collect();
        for glob in &module.globs {
            for target in self.path(module, glob, Form::Glob) {
                let behind = match target {
                    Target::Module(name_of) => match self.modules.get(&name_of) {
                        Some(other) => {
                            let behind = self.lookup(other, name, last);
                            if !behind.is_empty() && other.name != module.name {
                                self.passed.push(name_of);
                            }
                            behind
                        }
                        None => Vec::new(),
                    },
                    Target::Outside(mut path) if self.guess => {
                        path.push(name.to_owned());
                        vec![outside(path)]
                    }
                    _ => Vec::new(),
                };
                found.extend(behind.into_iter().filter(|target| !hidden.contains(&space(target))));
            }
        }
        self.open.pop();
        found
    }

    /// What a module itself declares under a name, without imports.
    fn declared(module: &Module, name: &str) -> Vec<Target> {
        let meanings = module.names.get(name).into_iter().flatten();
        let target = |meaning: &Meaning| match meaning {
            Meaning::Module(path) => Some(Target::Module(path.clone())),
            Meaning::Item(space) => Some(Target::Item { module: module.name.clone(), space: Some(*space) }),
            Meaning::Alias(_) => None,
        };
        meanings.filter_map(target).collect()
    }
}

/// The kind of name that leads to a target; `None` if it can be of any.
fn space(target: &Target) -> Option<Space> {
    match target {
        Target::Module(_) => Some(Space::Type),
        Target::Item { space, .. } => *space,
        Target::Outside(_) | Target::Passed(_) => None,
    }
}

/// A path of another crate. `core` and `alloc` are parts of `std` under their own names.
fn outside(mut path: Vec<String>) -> Target {
    if let Some(first) = path.first_mut()
        && (first == "core" || first == "alloc")
    {
        "std".clone_into(first);
    }
    Target::Outside(path)
}

fn parent(module: &str) -> Option<String> {
    module.rsplit_once("::").map(|(parent, _)| parent.to_owned())
}
