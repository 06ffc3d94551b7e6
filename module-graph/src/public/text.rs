//! Items as one line each: what a user of the crate can rely on, without bodies, docs and private parts.

use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, ItemImpl, ItemMacro, TraitItem, Visibility};

use crate::syntax::plain;

/// Attributes that a user notices.
const KEPT: &[&str] = &["cfg", "derive", "non_exhaustive"];

/// The name of an item that has one of its own. Modules and imports are not such.
pub(super) fn name(item: &Item) -> Option<String> {
    Some(plain(match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    }))
}

pub(super) fn name_if_public(item: &Item) -> Option<String> {
    let visibility = match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Union(item) => &item.vis,
        _ => return None,
    };
    matches!(visibility, Visibility::Public(_)).then(|| name(item))?
}

/// The lines of an item: its own, and one for each variant or method.
pub(super) fn lines(shown: &str, item: &Item) -> Vec<String> {
    match item.clone() {
        Item::Struct(mut item) => {
            keep(&mut item.attrs);
            let hidden = hide(&mut item.fields);
            vec![format!("{shown}: {}{}", text(&item), if hidden { " + private fields" } else { "" })]
        }
        Item::Enum(mut item) => {
            keep(&mut item.attrs);
            let variants = std::mem::take(&mut item.variants);
            let mut lines = vec![format!("{shown}: {}", text(&item))];
            for mut variant in variants {
                keep(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| keep(&mut field.attrs));
                lines.push(format!("{shown}::{}", text(&variant)));
            }
            lines
        }
        Item::Trait(mut item) => {
            keep(&mut item.attrs);
            let members = std::mem::take(&mut item.items);
            let mut lines = vec![format!("{shown}: {}", text(&item))];
            lines.extend(members.iter().map(|member| format!("{shown}::{}", trait_member(member))));
            lines
        }
        Item::Fn(item) => vec![format!("{shown}: {}", text(&item.sig))],
        Item::Const(item) => vec![format!("{shown}: const {}", text(&item.ty))],
        Item::Static(item) => vec![format!("{shown}: static {}", text(&item.ty))],
        Item::Type(mut item) => {
            keep(&mut item.attrs);
            vec![format!("{shown}: {}", text(&item))]
        }
        Item::Union(mut item) => {
            keep(&mut item.attrs);
            vec![format!("{shown}: {}", text(&item))]
        }
        _ => Vec::new(),
    }
}

/// A member of an impl.
pub(super) fn member(member: &ImplItem) -> String {
    match member {
        ImplItem::Fn(member) => format!("{}: {}", member.sig.ident, text(&member.sig)),
        ImplItem::Const(member) => format!("{}: const {}", member.ident, text(&member.ty)),
        other => text(other),
    }
}

fn trait_member(member: &TraitItem) -> String {
    match member {
        TraitItem::Fn(member) => {
            let default = if member.default.is_some() { " with a default" } else { "" };
            format!("{}: {}{default}", member.sig.ident, text(&member.sig))
        }
        TraitItem::Const(member) => format!("{}: const {}", member.ident, text(&member.ty)),
        TraitItem::Type(member) => format!("{}: type {}", member.ident, text(&member.bounds)),
        other => text(other),
    }
}

/// An impl of a trait without what is in it.
pub(super) fn head(item: &ItemImpl) -> String {
    let mut item = item.clone();
    keep(&mut item.attrs);
    item.items.clear();
    text(&item)
}

/// The call of a macro that makes items.
pub(super) fn call(item: &ItemMacro) -> String {
    let mut item = item.clone();
    item.attrs.clear();
    text(&item)
}

fn keep(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| KEPT.iter().any(|kept| attribute.path().is_ident(kept)));
}

/// Takes private fields away. Returns whether there were any.
fn hide(fields: &mut Fields) -> bool {
    let before = fields.len();
    let visible = |field: &syn::Field| matches!(field.vis, Visibility::Public(_));
    match fields {
        Fields::Named(fields) => fields.named = fields.named.iter().filter(|field| visible(field)).cloned().collect(),
        Fields::Unnamed(fields) => {
            fields.unnamed = fields.unnamed.iter().filter(|field| visible(field)).cloned().collect();
        }
        Fields::Unit => {}
    }
    fields.iter_mut().for_each(|field| keep(&mut field.attrs));
    fields.len() < before
}

/// Rust as a person would write it, more or less.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    for (apart, together) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        ("< ", "<"),
        ("& ", "&"),
        (" ,", ","),
        (" ;", ";"),
        (" : ", ": "),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("# [", "#["),
        ("[ ", "["),
        (" ]", "]"),
        (" !", "!"),
        ("- >", "->"),
        ("->", "-> "),
        ("->  ", "-> "),
    ] {
        text = text.replace(apart, together);
    }
    text
}
