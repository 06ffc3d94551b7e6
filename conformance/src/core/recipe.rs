//! Recipes that put real harnesses in front of the scripted model, as data: a private home, its files, the environment.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::model::{self, Script};

/// The recipes that come with the program.
static ALL: LazyLock<BTreeMap<String, Recipe>> = LazyLock::new(|| {
    // A test reads the file, so it is not malformed; a malformed one would only be missing here.
    toml::from_str(include_str!("../../recipes.toml")).unwrap_or_default()
});

/// The script of the suite's sentences.
const SCRIPT: &str = include_str!("../../scripts/conformance.toml");

/// Environment of a harness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Recipe {
    /// For whom it is.
    pub about: String,
    /// Variables that begin so are taken away.
    #[serde(default)]
    pub unset: Vec<String>,
    /// Variables that are set; `{home}` and `{model}` are filled in.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files below the home, filled in likewise.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

impl Recipe {
    /// The one of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        ALL.get(name)
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ALL.keys().map(String::as_str)
    }
}

/// The script that answers every sentence of the suite.
#[must_use]
pub fn script() -> Script {
    // A test reads it.
    Script::parse(SCRIPT).unwrap_or_else(|_| Script::hello())
}

/// Homes and models of a run, one of each for every scenario. Dropping it ends the models and removes the homes.
#[derive(Debug)]
pub struct Stages {
    recipe: &'static Recipe,
    script: Script,
    root: TempDir,
    built: Mutex<HashMap<PathBuf, Arc<Stage>>>,
}

/// A home, and the model behind it.
#[derive(Debug)]
struct Stage {
    env: Vec<(String, String)>,
    model: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.model.abort();
    }
}

impl Stages {
    /// Stages after this recipe, whose model plays `script`.
    ///
    /// # Errors
    /// When no directory can be made for the homes.
    pub fn new(recipe: &'static Recipe, script: Script) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("acp-conformance-homes-").tempdir()?;
        Ok(Self { recipe, script, root, built: Mutex::default() })
    }

    /// Variables to take away, by how they begin.
    pub(crate) fn unset(&self) -> &[String] {
        &self.recipe.unset
    }

    /// The environment for a scenario, whose home and model are made the first time.
    pub(crate) async fn env(&self, scenario: &Path) -> io::Result<Vec<(String, String)>> {
        let mut built = self.built.lock().await;
        if let Some(stage) = built.get(scenario) {
            return Ok(stage.env.clone());
        }
        let stage = Arc::new(self.build(built.len()).await?);
        built.insert(scenario.to_owned(), Arc::clone(&stage));
        Ok(stage.env.clone())
    }

    async fn build(&self, number: usize) -> io::Result<Stage> {
        let home = self.root.path().join(number.to_string());
        std::fs::create_dir_all(home.join("tmp"))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let filled = |text: &str| text.replace("{home}", &home.display().to_string()).replace("{model}", &url);
        for (name, text) in &self.recipe.files {
            let path = home.join(name);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, filled(text))?;
        }
        let script = self.script.clone();
        let model = tokio::spawn(async move {
            if let Err(error) = model::serve(listener, script, std::future::pending()).await {
                tracing::error!(%error, "the scripted model failed");
            }
        });
        let env = self.recipe.env.iter().map(|(name, text)| (name.clone(), filled(text))).collect();
        Ok(Stage { env, model })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipes_and_their_script_can_be_read() {
        let recipes: BTreeMap<String, Recipe> =
            toml::from_str(include_str!("../../recipes.toml")).expect("the recipes");
        assert!(["claude", "codex", "gemini", "opencode"].iter().all(|name| recipes.contains_key(*name)));
        Script::parse(SCRIPT).expect("the script");
    }

    #[tokio::test]
    async fn each_scenario_has_a_home_and_a_model_of_its_own() {
        let recipe = Recipe::of("codex").expect("a recipe");
        let stages = Stages::new(recipe, script()).expect("a directory");
        let get = |env: &[(String, String)]| {
            let home = env.iter().find(|(name, _)| name == "CODEX_HOME").map(|(_, home)| home.clone());
            std::fs::read_to_string(Path::new(&home.expect("a home")).join("config.toml")).expect("its file")
        };
        let first = stages.env(Path::new("/a")).await.expect("a stage");
        let other = stages.env(Path::new("/b")).await.expect("a stage");
        let again = stages.env(Path::new("/a")).await.expect("a stage");
        assert_eq!(first, again);
        assert_ne!(get(&first), get(&other));
        assert!(get(&first).contains("http://127.0.0.1:"));
    }
}
