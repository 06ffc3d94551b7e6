//! The parsed modules of a crate, and what a path in one of them leads to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Item, UseTree};

use super::text::name;
use crate::attributes::{attributes, is_test};
use crate::error::LoadError;
use crate::syntax::plain;

/// Imports that are followed one after the other, at most.
const STEPS: usize = 16;

/// All modules that are there without tests, by their paths.
pub(super) struct Tree {
    pub(super) modules: BTreeMap<String, Vec<Item>>,
}

/// An import: of a name, or of all that a module has.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// The name that it gets; `None` for all.
    pub(super) alias: Option<String>,
}

/// Something of this crate.
pub(super) enum Found {
    Module(String),
    /// The module that defines it, and its name there.
    Item(String, String),
}

impl Tree {
    pub(super) fn load(root: &Path) -> Result<Self, LoadError> {
        let mut tree = Self { modules: BTreeMap::new() };
        let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
        let items = parse(root)?;
        tree.add("crate".to_owned(), items, &folder)?;
        Ok(tree)
    }

    /// Adds a module whose own modules have their files in a folder.
    fn add(&mut self, module: String, items: Vec<Item>, folder: &Path) -> Result<(), LoadError> {
        let items: Vec<Item> = items.into_iter().filter(|item| !is_test(attributes(item))).collect();
        for item in &items {
            let Item::Mod(item) = item else { continue };
            let ident = plain(&item.ident);
            let (path, below) = (format!("{module}::{ident}"), folder.join(&ident));
            if let Some((_, items)) = &item.content {
                self.add(path, items.clone(), &below)?;
                continue;
            }
            let candidates: [PathBuf; 2] = [folder.join(format!("{ident}.rs")), below.join("mod.rs")];
            let Some(file) = candidates.iter().find(|file| file.is_file()) else {
                return Err(LoadError::Missing { module: path, tried: candidates.to_vec() });
            };
            let items = parse(file)?;
            self.add(path, items, &below)?;
        }
        self.modules.insert(module, items);
        Ok(())
    }

    /// The items of a name, as a type and a function may have the same.
    pub(super) fn items<'a>(&'a self, module: &str, ident: &'a str) -> impl Iterator<Item = &'a Item> + 'a {
        let items = self.modules.get(module).into_iter().flatten();
        items.filter(move |item| name(item).as_deref() == Some(ident))
    }

    pub(super) fn find(&self, from: &str, path: &[String]) -> Option<Found> {
        self.follow(from, path, STEPS)
    }

    fn follow(&self, from: &str, path: &[String], steps: usize) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => Found::Module("crate".to_owned()),
            "self" => Found::Module(from.to_owned()),
            "super" => Found::Module(parent(from)?),
            name => self.member(from, name, steps.checked_sub(1)?)?,
        };
        for segment in rest {
            found = match found {
                Found::Module(module) if segment == "super" => Found::Module(parent(&module)?),
                Found::Module(module) => self.member(&module, segment, steps.checked_sub(1)?)?,
                // What is behind an item belongs to it.
                item @ Found::Item(..) => item,
            };
        }
        Some(found)
    }

    /// What a name of a module is.
    fn member(&self, module: &str, ident: &str, steps: usize) -> Option<Found> {
        let path = format!("{module}::{ident}");
        if self.modules.contains_key(&path) {
            return Some(Found::Module(path));
        }
        if self.items(module, ident).next().is_some() {
            return Some(Found::Item(module.to_owned(), ident.to_owned()));
        }
        let uses = self.modules.get(module)?.iter().filter_map(|item| match item {
            Item::Use(item) => Some(imports(&item.tree)),
            _ => None,
        });
        for import in uses.flatten() {
            let path = match &import.alias {
                Some(alias) if alias == ident => import.path,
                Some(_) => continue,
                None => import.path.into_iter().chain([ident.to_owned()]).collect(),
            };
            // `use name;` leads out of the crate, unless it is a module of the root.
            if path.as_slice() != [ident]
                && let Some(found) = self.follow(module, &path, steps)
            {
                return Some(found);
            }
        }
        None
    }
}

/// All that one `use` brings in.
pub(super) fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    collect(Vec::new(), tree, &mut found);
    found
}

fn collect(mut path: Vec<String>, tree: &UseTree, found: &mut Vec<Import>) {
    match tree {
        UseTree::Path(inner) => {
            path.push(plain(&inner.ident));
            collect(path, &inner.tree, found);
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| collect(path.clone(), tree, found)),
        UseTree::Glob(_) => found.push(Import { path, alias: None }),
        UseTree::Name(inner) => named(path, &inner.ident, &inner.ident, found),
        UseTree::Rename(inner) => named(path, &inner.ident, &inner.rename, found),
    }
}

fn named(mut path: Vec<String>, ident: &syn::Ident, alias: &syn::Ident, found: &mut Vec<Import>) {
    let mut alias = plain(alias);
    if ident != "self" {
        path.push(plain(ident));
    } else if alias == "self" {
        alias = path.last().cloned().unwrap_or_default();
    }
    if alias != "_" {
        found.push(Import { path, alias: Some(alias) });
    }
}

fn parse(file: &Path) -> Result<Vec<Item>, LoadError> {
    let missing = || LoadError::Missing { module: "crate".to_owned(), tried: vec![file.to_path_buf()] };
    let text = std::fs::read_to_string(file).map_err(|_| missing())?;
    let parsed = syn::parse_file(&text).map_err(|error| LoadError::Syntax {
        file: file.to_path_buf(),
        line: error.span().start().line,
        message: error.to_string(),
    })?;
    Ok(if is_test(&parsed.attrs) { Vec::new() } else { parsed.items })
}

fn parent(module: &str) -> Option<String> {
    module.rsplit_once("::").map(|(parent, _)| parent.to_owned())
}
