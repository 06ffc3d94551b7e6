//! Names that a module gets: by `use`, by what it defines, and by its modules.

use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Item, Type, UseTree};

use super::{Child, Scanner};
use crate::attributes::given_path;
use crate::module::{Form, Meaning, Module, RawPath, Space};
use crate::syntax::{plain, raw};

impl Scanner<'_> {
    pub(super) fn use_tree(&mut self, prefix: &RawPath, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                let mut prefix = prefix.clone();
                prefix.segments.push(plain(&path.ident));
                self.use_tree(&prefix, &path.tree);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(prefix, tree);
                }
            }
            UseTree::Glob(glob) => {
                self.module.globs.push(prefix.clone());
                self.mention(prefix.clone(), Form::Glob, glob.star_token.span);
            }
            UseTree::Name(name) => self.import(prefix, &name.ident, &name.ident),
            UseTree::Rename(rename) => self.import(prefix, &rename.ident, &rename.rename),
        }
    }

    fn import(&mut self, prefix: &RawPath, ident: &syn::Ident, alias: &syn::Ident) {
        let mut path = prefix.clone();
        let alias = if ident == "self" && !path.segments.is_empty() {
            if alias == "self" { path.segments.last().cloned().unwrap_or_default() } else { plain(alias) }
        } else {
            path.segments.push(plain(ident));
            plain(alias)
        };
        self.mention(path.clone(), Form::Use, ident.span());
        self.name(alias, Meaning::Alias(path));
    }

    pub(super) fn module_item(&mut self, item: &syn::ItemMod) {
        let name = plain(&item.ident);
        let path = format!("{}::{name}", self.module.name);
        self.name(name.clone(), Meaning::Module(path.clone()));
        let given = given_path(&item.attrs);
        let Some((_, items)) = &item.content else {
            let candidates = if given.is_empty() {
                let children = self.directory.join(&name);
                vec![(self.directory.join(format!("{name}.rs")), children.clone()), (children.join("mod.rs"), children)]
            } else {
                // In an inline module such a path starts at the module's folder, else at the file's.
                let base = if self.nested.is_empty() { &self.home.folder } else { &self.directory };
                let file = |given: &String| base.join(given);
                let own = |file: PathBuf| (file.clone(), file.parent().unwrap_or(Path::new("")).to_path_buf());
                given.iter().map(|given| own(file(given))).collect()
            };
            self.children.push(Child { name: path, test: self.test, candidates });
            return;
        };
        let inner = Module { name: path, files: vec![self.path.to_path_buf()], ..Module::default() };
        let folder = given.first().map_or_else(|| self.directory.join(&name), |given| self.home.folder.join(given));
        let outer_folder = std::mem::replace(&mut self.directory, folder);
        let outer = std::mem::replace(&mut self.module, inner);
        self.nested.push(outer);
        for item in items {
            self.visit_item(item);
        }
        self.directory = outer_folder;
        if let Some(outer) = self.nested.pop() {
            self.done.push(std::mem::replace(&mut self.module, outer));
        }
    }

    pub(super) fn define(&mut self, item: &Item) {
        let (ident, spaces): (&syn::Ident, &[Space]) = match item {
            Item::Const(item) => (&item.ident, &[Space::Value]),
            Item::Static(item) => (&item.ident, &[Space::Value]),
            Item::Fn(item) => (&item.sig.ident, &[Space::Value]),
            Item::Enum(item) => (&item.ident, &[Space::Type]),
            Item::Union(item) => (&item.ident, &[Space::Type]),
            Item::Trait(item) => (&item.ident, &[Space::Type]),
            Item::TraitAlias(item) => (&item.ident, &[Space::Type]),
            Item::Struct(item) if matches!(item.fields, syn::Fields::Named(_)) => (&item.ident, &[Space::Type]),
            Item::Struct(item) => (&item.ident, &[Space::Type, Space::Value]),
            Item::Type(item) => {
                if let Type::Path(aliased) = &*item.ty
                    && aliased.qself.is_none()
                {
                    self.name(plain(&item.ident), Meaning::Alias(raw(&aliased.path)));
                }
                (&item.ident, &[Space::Type])
            }
            Item::Macro(item) => match &item.ident {
                Some(ident) => (ident, &[Space::Macro]),
                None => return,
            },
            _ => return,
        };
        for space in spaces {
            self.name(plain(ident), Meaning::Item(*space));
        }
    }
}
