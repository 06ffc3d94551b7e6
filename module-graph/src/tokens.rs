//! Paths among the tokens of a macro, which no parser knows the form of.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::Lit;

use crate::module::{Form, RawPath};
use crate::syntax::{plain, raw, text_of};

/// What was found, in order.
pub(crate) enum Found {
    Mention(RawPath, Form, Span),
    Literal(String, Span),
    Asynchronous(Span),
    /// A method's name.
    Call(String, Span),
    /// A whole `use`.
    Use(syn::ItemUse),
}

/// Finds all paths, literals and signs of asynchronous code.
pub(crate) fn walk(stream: TokenStream) -> Vec<Found> {
    Walk { found: Vec::new(), text_is_path: false }.of(stream)
}

/// The same for the arguments of an attribute, where a literal can be a path: `#[serde(with = "crate::form")]`.
pub(crate) fn walk_attribute(stream: TokenStream) -> Vec<Found> {
    Walk { found: Vec::new(), text_is_path: true }.of(stream)
}

struct Walk {
    found: Vec<Found>,
    text_is_path: bool,
}

impl Walk {
    fn of(mut self, stream: TokenStream) -> Vec<Found> {
        self.stream(stream);
        self.found
    }

    fn stream(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.step(&tokens, at);
        }
    }

    /// Reads what begins at a token. Returns where to go on.
    fn step(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match &tokens[at] {
            TokenTree::Group(group) => {
                self.stream(group.stream());
                at + 1
            }
            TokenTree::Literal(literal) => {
                self.literal(Lit::new(literal.clone()), literal.span());
                at + 1
            }
            // A lifetime's name is no path.
            TokenTree::Punct(punct) if punct.as_char() == '\'' => at + 2,
            TokenTree::Punct(_) if is_colons(tokens, at) => match tokens.get(at + 2) {
                Some(TokenTree::Ident(_)) if !follows_value(tokens, at) => {
                    self.path(tokens, at + 2, RawPath { outside: true, segments: Vec::new() })
                }
                _ => at + 2,
            },
            TokenTree::Punct(_) => at + 1,
            TokenTree::Ident(ident) if follows_dot(tokens, at) => {
                if ident == "await" {
                    self.found.push(Found::Asynchronous(ident.span()));
                }
                self.found.push(Found::Call(plain(ident), ident.span()));
                at + 1
            }
            TokenTree::Ident(ident) => {
                if ident == "async" {
                    self.found.push(Found::Asynchronous(ident.span()));
                }
                if ident == "use"
                    && let Some(after) = self.declaration(tokens, at)
                {
                    return after;
                }
                self.path(tokens, at, RawPath { outside: false, segments: Vec::new() })
            }
        }
    }

    /// Reads a whole `use`, so that the names that it gives are known. `None` if a macro's variables stand in it.
    fn declaration(&mut self, tokens: &[TokenTree], first: usize) -> Option<usize> {
        let length =
            tokens[first..].iter().position(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ';'))?;
        let written = &tokens[first..=first + length];
        let dollar = |at: usize| is_punct(written, at, '$') && is_ident(written, at + 1, "crate");
        let stream =
            written.iter().enumerate().filter(|(at, _)| !dollar(*at)).map(|(_, token)| token.clone()).collect();
        let item: syn::ItemUse = syn::parse2(stream).ok()?;
        self.found.push(Found::Use(item));
        Some(first + length + 1)
    }

    /// Reads a path from its first name. `$x::a` begins with what a caller puts there and means nothing here.
    fn path(&mut self, tokens: &[TokenTree], first: usize, mut path: RawPath) -> usize {
        let unknown = is_punct(tokens, first.wrapping_sub(1), '$') && !is_ident(tokens, first, "crate");
        let mut at = first;
        let mut span = Span::call_site();
        while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
            if path.segments.is_empty() {
                span = ident.span();
            }
            path.segments.push(plain(ident));
            at += 1;
            if !is_colons(tokens, at) {
                break;
            }
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(_)) => at += 2,
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && !unknown => {
                    self.tree(group, &path);
                    return at + 3;
                }
                Some(TokenTree::Punct(punct)) if punct.as_char() == '*' && !unknown => {
                    self.found.push(Found::Mention(path, Form::Glob, span));
                    return at + 3;
                }
                _ => break,
            }
        }
        if !unknown {
            let called = is_punct(tokens, at, '!') && !is_punct(tokens, at + 1, '=');
            self.found.push(Found::Mention(path, if called { Form::Macro } else { Form::Path }, span));
        }
        at
    }

    /// The group of a `use` tree.
    fn tree(&mut self, group: &Group, prefix: &RawPath) {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        for part in tokens.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')) {
            match part.first() {
                Some(TokenTree::Ident(ident)) if ident == "self" => {
                    self.found.push(Found::Mention(prefix.clone(), Form::Use, ident.span()));
                }
                Some(TokenTree::Ident(_)) => {
                    self.path(part, 0, prefix.clone());
                }
                Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => {
                    self.found.push(Found::Mention(prefix.clone(), Form::Glob, punct.span()));
                }
                Some(TokenTree::Group(inner)) => self.tree(inner, prefix),
                _ => {}
            }
        }
    }

    fn literal(&mut self, literal: Lit, span: Span) {
        let Some(text) = text_of(&literal) else { return };
        if self.text_is_path
            && let Ok(path) = syn::parse_str::<syn::Path>(&text)
        {
            self.found.push(Found::Mention(raw(&path), Form::Path, span));
        }
        self.found.push(Found::Literal(text, span));
    }
}

fn is_punct(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_ident(tokens: &[TokenTree], at: usize, wanted: &str) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == wanted)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens, at, ':') && is_punct(tokens, at + 1, ':')
}

/// Whether a name is that of a method or a field. Behind `..` it is not.
fn follows_dot(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens, at.wrapping_sub(1), '.') && !is_punct(tokens, at.wrapping_sub(2), '.')
}

/// Whether `::` goes on from what is before it, as in `Vec::<u8>::new`, and does not begin a path, as in `=> ::std::fs`.
fn follows_value(tokens: &[TokenTree], at: usize) -> bool {
    let arrow = ['=', '-'].iter().any(|dash| is_punct(tokens, at.wrapping_sub(2), *dash));
    is_punct(tokens, at.wrapping_sub(1), '>') && !arrow
}
