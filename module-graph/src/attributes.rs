//! What attributes say of what they stand at.

use syn::{Attribute, Expr, Item, Meta};

use crate::syntax::text_of;

/// Whether what has these attributes is compiled for tests only.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        if attribute.path().segments.last().is_some_and(|last| last.ident == "test") {
            return true;
        }
        attribute.path().is_ident("cfg") && attribute.parse_args::<Meta>().is_ok_and(|meta| only_in_tests(&meta))
    })
}

/// Whether a condition holds in tests only: `test`, or `all` with one such.
fn only_in_tests(meta: &Meta) -> bool {
    match meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(only_in_tests),
        Meta::List(list) if list.path.is_ident("any") => {
            let parts = parts(list);
            !parts.is_empty() && parts.iter().all(only_in_tests)
        }
        _ => false,
    }
}

fn parts(list: &syn::MetaList) -> Vec<Meta> {
    list.parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
        .map(|parts| parts.into_iter().collect())
        .unwrap_or_default()
}

/// Files that `#[path = "..."]` gives, those under `cfg_attr` too.
pub(crate) fn given_path(attributes: &[Attribute]) -> Vec<String> {
    let mut waiting: Vec<Meta> = attributes.iter().map(|attribute| attribute.meta.clone()).collect();
    let mut found = Vec::new();
    while let Some(meta) = waiting.pop() {
        match meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => {
                if let Expr::Lit(literal) = &pair.value {
                    found.extend(text_of(&literal.lit));
                }
            }
            Meta::List(list) if list.path.is_ident("cfg_attr") => waiting.extend(parts(&list).into_iter().skip(1)),
            _ => {}
        }
    }
    found
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
