//! Names, paths and texts as they are written.

use proc_macro2::Span;
use syn::Lit;

use crate::module::RawPath;

/// A name without `r#`.
pub(crate) fn plain(ident: &syn::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

/// A path as it is written.
pub(crate) fn raw(path: &syn::Path) -> RawPath {
    RawPath {
        outside: path.leading_colon.is_some(),
        segments: path.segments.iter().map(|segment| plain(&segment.ident)).collect(),
    }
}

/// Where a path begins.
pub(crate) fn start(path: &syn::Path) -> Span {
    path.segments.first().map_or_else(Span::call_site, |segment| segment.ident.span())
}

/// What a string literal says, of any kind.
pub(crate) fn text_of(literal: &Lit) -> Option<String> {
    match literal {
        Lit::Str(text) => Some(text.value()),
        Lit::ByteStr(bytes) => String::from_utf8(bytes.value()).ok(),
        Lit::CStr(text) => text.value().into_string().ok(),
        _ => None,
    }
}
