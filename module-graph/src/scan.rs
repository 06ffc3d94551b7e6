//! One file: its modules and what they say.

mod names;
mod visit;

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use syn::Attribute;
use syn::visit::Visit;

use crate::attributes::is_test;
use crate::error::LoadError;
use crate::module::{Form, Literal, Meaning, Mention, Module, Place, RawPath};
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
    scanner.visit_file(&parsed);
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

    pub(super) fn mention(&mut self, path: RawPath, form: Form, span: Span) {
        let place = self.place(span);
        self.module.mentions.push(Mention { path, form, reexport: self.reexport, place });
    }

    pub(super) fn literal(&mut self, value: String, span: Span) {
        let place = self.place(span);
        self.module.literals.push(Literal { value, place });
    }

    pub(super) fn asynchronous(&mut self, span: Span) {
        let place = self.place(span);
        self.module.asynchronous.push(place);
    }

    pub(super) fn call(&mut self, method: String, span: Span) {
        let place = self.place(span);
        self.module.calls.push((method, place));
    }

    pub(super) fn name(&mut self, name: String, meaning: Meaning) {
        self.module.names.entry(name).or_default().push(meaning);
    }

    pub(super) fn tokens(&mut self, stream: TokenStream) {
        self.found(tokens::walk(stream));
    }

    pub(super) fn found(&mut self, found: Vec<Found>) {
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

    /// Reads something that may be there for tests only.
    pub(super) fn under(&mut self, attributes: &[Attribute], read: impl FnOnce(&mut Self)) {
        let before = self.test;
        self.test |= is_test(attributes);
        read(self);
        self.test = before;
    }
}
