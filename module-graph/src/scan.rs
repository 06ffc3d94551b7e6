//! One file: its modules and what they say.

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Lit, Meta, Type, UseTree};

use crate::attributes::{attributes, given_path, is_test};
use crate::error::LoadError;
use crate::module::{Form, Literal, Meaning, Mention, Module, Place, RawPath, Space};
use crate::syntax::{plain, raw, start, text_of};
use crate::tokens::{self, Found};

/// Where modules of a file are looked for.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    /// Folder of the file that is being read.
    pub(crate) folder: PathBuf,
    /// Folder of the files of its modules, without those of inline modules.
    pub(crate) children: PathBuf,
}

/// A module that has a file of its own.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) name: String,
    pub(crate) test: bool,
    /// Files that it can be in, each with the folder of its own modules.
    pub(crate) candidates: Vec<(PathBuf, PathBuf)>,
}

pub(crate) fn file(
    path: &Path,
    text: &str,
    name: &str,
    home: &Home,
    test: bool,
) -> Result<(Vec<Module>, Vec<Child>), LoadError> {
    let parsed = syn::parse_file(text).map_err(|error| LoadError::Syntax {
        file: path.to_path_buf(),
        line: error.span().start().line,
        message: error.to_string(),
    })?;
    let mut scanner = Scanner {
        path,
        home,
        nested: Vec::new(),
        directory: home.children.clone(),
        module: Module { name: name.to_owned(), files: vec![path.to_path_buf()], ..Module::default() },
        test: test || is_test(&parsed.attrs),
        done: Vec::new(),
        children: Vec::new(),
        included: None,
        reexport: false,
    };
    visit::visit_file(&mut scanner, &parsed);
    if let Some(line) = scanner.included {
        return Err(LoadError::Include { file: path.to_path_buf(), line });
    }
    let mut modules = scanner.done;
    modules.push(scanner.module);
    Ok((modules, scanner.children))
}

struct Scanner<'a> {
    path: &'a Path,
    home: &'a Home,
    /// Inline modules that the scanner is in.
    nested: Vec<Module>,
    /// Folder for the files of the modules of the module that is read.
    directory: PathBuf,
    module: Module,
    test: bool,
    done: Vec<Module>,
    children: Vec<Child>,
    included: Option<usize>,
    /// It reads a `use` that others may see.
    reexport: bool,
}

impl Scanner<'_> {
    fn place(&self, span: Span) -> Place {
        Place { file: self.path.to_path_buf(), line: span.start().line, test: self.test }
    }

    fn mention(&mut self, path: RawPath, form: Form, span: Span) {
        let place = self.place(span);
        self.module.mentions.push(Mention { path, form, reexport: self.reexport, place });
    }

    fn literal(&mut self, value: String, span: Span) {
        let place = self.place(span);
        self.module.literals.push(Literal { value, place });
    }

    fn asynchronous(&mut self, span: Span) {
        let place = self.place(span);
        self.module.asynchronous.push(place);
    }

    fn call(&mut self, method: String, span: Span) {
        let place = self.place(span);
        self.module.calls.push((method, place));
    }

    fn name(&mut self, name: String, meaning: Meaning) {
        self.module.names.entry(name).or_default().push(meaning);
    }

    fn tokens(&mut self, stream: TokenStream) {
        self.found(tokens::walk(stream));
    }

    fn found(&mut self, found: Vec<Found>) {
        for one in found {
            match one {
                Found::Mention(path, form, span) => self.mention(path, form, span),
                Found::Literal(text, span) => self.literal(text, span),
                Found::Asynchronous(span) => self.asynchronous(span),
                Found::Call(method, span) => self.call(method, span),
                Found::Use(item) => self.visit_item_use(&item),
            }
        }
    }

    fn use_tree(&mut self, prefix: &RawPath, tree: &UseTree) {
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

    /// Reads something that may be there for tests only.
    fn under(&mut self, attributes: &[Attribute], read: impl FnOnce(&mut Self)) {
        let before = self.test;
        self.test |= is_test(attributes);
        read(self);
        self.test = before;
    }

    fn module_item(&mut self, item: &syn::ItemMod) {
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

    fn define(&mut self, item: &Item) {
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

impl<'ast> Visit<'ast> for Scanner<'_> {
    /// `pub(in path)` says who may use an item, and uses nothing of that module.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_item(&mut self, item: &'ast Item) {
        self.under(attributes(item), |this| {
            this.define(item);
            if let Item::Verbatim(tokens) = item {
                this.tokens(tokens.clone());
            }
            visit::visit_item(this, item);
        });
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        for attribute in &item.attrs {
            self.visit_attribute(attribute);
        }
        self.module_item(item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for attribute in &item.attrs {
            self.visit_attribute(attribute);
        }
        let prefix = RawPath { outside: item.leading_colon.is_some(), segments: Vec::new() };
        self.reexport = !matches!(item.vis, syn::Visibility::Inherited);
        self.use_tree(&prefix, &item.tree);
        self.reexport = false;
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let own = item.ident == "self";
        let segments = vec![if own { "crate".to_owned() } else { plain(&item.ident) }];
        let path = RawPath { outside: !own, segments };
        let alias = plain(item.rename.as_ref().map_or(&item.ident, |(_, alias)| alias));
        self.mention(path.clone(), Form::Use, item.ident.span());
        self.module.extern_crates.insert(alias.clone(), path.clone());
        self.name(alias, Meaning::Alias(path));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes: &[Attribute] = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            syn::ImplItem::Verbatim(tokens) => {
                self.tokens(tokens.clone());
                &[]
            }
            _ => &[],
        };
        self.under(attributes, |this| visit::visit_impl_item(this, item));
    }

    fn visit_trait_item(&mut self, item: &'ast syn::TraitItem) {
        if let syn::TraitItem::Verbatim(tokens) = item {
            self.tokens(tokens.clone());
        }
        visit::visit_trait_item(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.under(&field.attrs, |this| visit::visit_field(this, field));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.under(&local.attrs, |this| visit::visit_local(this, local));
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        if let Expr::Verbatim(tokens) = expr {
            self.tokens(tokens.clone());
        }
        visit::visit_expr(self, expr);
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        if let Type::Verbatim(tokens) = ty {
            self.tokens(tokens.clone());
        }
        visit::visit_type(self, ty);
    }

    fn visit_expr_path(&mut self, expr: &'ast syn::ExprPath) {
        self.associated(expr.qself.as_ref(), &expr.path);
        visit::visit_expr_path(self, expr);
    }

    fn visit_type_path(&mut self, ty: &'ast syn::TypePath) {
        self.associated(ty.qself.as_ref(), &ty.path);
        visit::visit_type_path(self, ty);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(raw(path), Form::Path, start(path));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.mention(raw(&called.path), Form::Macro, start(&called.path));
        if called.path.segments.last().is_some_and(|last| last.ident == "include") {
            self.included.get_or_insert(start(&called.path).start().line);
        }
        self.tokens(called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        if attribute.path().segments.len() > 1 {
            self.mention(raw(attribute.path()), Form::Path, start(attribute.path()));
        }
        match &attribute.meta {
            Meta::Path(_) => {}
            Meta::List(list) => self.found(tokens::walk_attribute(list.tokens.clone())),
            Meta::NameValue(pair) => self.visit_expr(&pair.value),
        }
    }

    fn visit_lit(&mut self, literal: &'ast Lit) {
        if let Some(value) = text_of(literal) {
            self.literal(value, literal.span());
        }
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(token) = &signature.asyncness {
            self.asynchronous(token.span);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        if let Some(token) = &closure.asyncness {
            self.asynchronous(token.span);
        }
        visit::visit_expr_closure(self, closure);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.asynchronous(block.async_token.span);
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        self.asynchronous(expr.await_token.span);
        visit::visit_expr_await(self, expr);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.call(plain(&call.method), call.method.span());
        visit::visit_expr_method_call(self, call);
    }
}

impl Scanner<'_> {
    /// `<Type>::name` is `Type::name`.
    fn associated(&mut self, qself: Option<&syn::QSelf>, path: &syn::Path) {
        if let Some(qself) = qself
            && let Type::Path(ty) = &*qself.ty
        {
            let mut whole = raw(&ty.path);
            whole.segments.extend(path.segments.iter().skip(qself.position).map(|segment| plain(&segment.ident)));
            self.mention(whole, Form::Path, start(path));
        }
    }
}
