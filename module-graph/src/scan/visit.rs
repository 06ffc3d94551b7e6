//! The walk through a file: what each kind of syntax says.

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Lit, Meta, Type};

use super::Scanner;
use crate::attributes::attributes;
use crate::module::{Form, Meaning, RawPath};
use crate::syntax::{plain, raw, start, text_of};
use crate::tokens;

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
