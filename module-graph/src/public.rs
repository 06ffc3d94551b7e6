//! The public API of a crate, one line for each item, read from its source.
//!
//! Names are followed as far as `use` goes. What a macro makes is not seen: the call of the macro stands for it. Impls of
//! traits for types that are made of others, and those for all types, are left out.

mod text;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::{ImplItem, Item, ItemImpl, Type, Visibility};

use crate::error::LoadError;
use crate::syntax::{plain, raw};
use tree::{Found, Tree};

/// The public API of the crate with this root file.
///
/// # Errors
/// When a file is missing or cannot be parsed.
pub fn public_api(root: &Path) -> Result<BTreeSet<String>, LoadError> {
    let tree = Tree::load(root)?;
    let mut api = Api { tree: &tree, lines: BTreeSet::new(), shown: BTreeSet::new(), types: BTreeMap::new() };
    api.module("crate", "");
    for (module, items) in &tree.modules {
        for item in items {
            if let Item::Impl(item) = item {
                api.implementation(module, item);
            }
        }
    }
    Ok(api.lines)
}

struct Api<'a> {
    tree: &'a Tree,
    lines: BTreeSet<String>,
    /// Modules with the names under which they were shown.
    shown: BTreeSet<(String, String)>,
    /// Public names of items, by the module and name of where they are defined.
    types: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Api<'_> {
    /// Shows a module under a name, which is empty for the crate itself.
    fn module(&mut self, module: &str, name: &str) {
        if !self.shown.insert((module.to_owned(), name.to_owned())) {
            return;
        }
        for item in self.tree.modules.get(module).into_iter().flatten() {
            match item {
                Item::Mod(item) if is_public(&item.vis) => {
                    let ident = plain(&item.ident);
                    self.module(&format!("{module}::{ident}"), &joined(name, &ident));
                }
                Item::Use(item) if is_public(&item.vis) => {
                    for import in tree::imports(&item.tree) {
                        self.import(module, name, &import);
                    }
                }
                Item::Macro(item) if item.ident.is_none() => {
                    self.lines.insert(joined(name, &text::call(item)));
                }
                item => {
                    if let Some(ident) = text::name_if_public(item) {
                        self.item(module, &ident, &joined(name, &ident));
                    }
                }
            }
        }
    }

    fn import(&mut self, module: &str, name: &str, import: &tree::Import) {
        let found = self.tree.find(module, &import.path);
        match (found, &import.alias) {
            (Some(Found::Module(of)), None) => self.module(&of, name),
            (Some(Found::Module(of)), Some(alias)) => self.module(&of, &joined(name, alias)),
            (Some(Found::Item(of, ident)), Some(alias)) => self.item(&of, &ident, &joined(name, alias)),
            (_, alias) => {
                let alias = joined(name, alias.as_deref().unwrap_or("*"));
                self.lines.insert(format!("{alias}: use {}", import.path.join("::")));
            }
        }
    }

    fn item(&mut self, module: &str, ident: &str, name: &str) {
        self.types.entry((module.to_owned(), ident.to_owned())).or_default().insert(name.to_owned());
        for item in self.tree.items(module, ident) {
            self.lines.extend(text::lines(name, item));
        }
    }

    fn implementation(&mut self, module: &str, item: &ItemImpl) {
        let Type::Path(of) = &*item.self_ty else { return };
        let Some(Found::Item(defined, ident)) = self.tree.find(module, &raw(&of.path).segments) else { return };
        let Some(names) = self.types.get(&(defined, ident)) else { return };
        for name in names {
            if item.trait_.is_some() {
                self.lines.insert(format!("{name}: {}", text::head(item)));
                continue;
            }
            for member in &item.items {
                let public = match member {
                    ImplItem::Fn(member) => is_public(&member.vis),
                    ImplItem::Const(member) => is_public(&member.vis),
                    _ => false,
                };
                if public {
                    self.lines.insert(format!("{name}::{}", text::member(member)));
                }
            }
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn joined(name: &str, ident: &str) -> String {
    if name.is_empty() { ident.to_owned() } else { format!("{name}::{ident}") }
}
