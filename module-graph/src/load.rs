//! The files of a crate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::LoadError;
use crate::module::Module;
use crate::scan::{self, Child, Home};

type Find<'a> = &'a dyn Fn(&Path) -> Option<String>;

pub(crate) fn from(root: &Path, find: Find<'_>) -> Result<BTreeMap<String, Module>, LoadError> {
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
    let home = Home { children: folder.clone(), folder };
    let Some(text) = find(root) else {
        return Err(LoadError::Missing { module: "crate".to_owned(), tried: vec![root.to_path_buf()] });
    };
    let mut waiting = vec![(root.to_path_buf(), text, "crate".to_owned(), home, false)];
    while let Some((path, text, name, home, test)) = waiting.pop() {
        let (found, children) = scan::file(&path, &text, &name, &home, test)?;
        for module in found {
            match modules.get_mut(&module.name) {
                Some(known) => known.join(module),
                None => drop(modules.insert(module.name.clone(), module)),
            }
        }
        for child in children {
            let (path, text, home) = locate(&child, find)?;
            waiting.push((path, text, child.name, home, child.test));
        }
    }
    Ok(modules)
}

fn locate(child: &Child, find: Find<'_>) -> Result<(PathBuf, String, Home), LoadError> {
    let mut tried = Vec::new();
    for (path, children) in &child.candidates {
        if let Some(text) = find(path) {
            let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
            return Ok((path.clone(), text, Home { folder, children: children.clone() }));
        }
        tried.push(path.clone());
    }
    Err(LoadError::Missing { module: child.name.clone(), tried })
}

pub(crate) fn no_file_is_left_out(
    root: &Path,
    others: &[&str],
    modules: &BTreeMap<String, Module>,
) -> Result<(), LoadError> {
    let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
    let others: Vec<PathBuf> = others.iter().map(|name| folder.join(name)).collect();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !others.contains(&path)
                && !modules.values().any(|module| module.files.contains(&path))
            {
                return Err(LoadError::LeftOut { file: path });
            }
        }
    }
    Ok(())
}
