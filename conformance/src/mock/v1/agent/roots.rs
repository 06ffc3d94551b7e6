//! The directories that a session may read in.

use std::path::Path;

use serde_json::Value;

use super::state::Agent;
use crate::mock::answers::invalid;
use crate::prompts;

impl Agent {
    /// The additional roots of a request.
    pub(super) fn roots(&self, params: &Value) -> Result<Vec<String>, Value> {
        let named = params["additionalDirectories"].as_array().into_iter().flatten();
        let roots: Vec<String> = named.filter_map(|root| root.as_str().map(str::to_owned)).collect();
        let relative = roots.iter().any(|root| !root.starts_with('/'));
        if (relative && !self.breaks.has("SESS-20")) || (roots.len() > 1 && self.breaks.has("SESS-19")) {
            return Err(invalid("additionalDirectories"));
        }
        Ok(roots)
    }

    /// A session is opened again: its additional roots are those that are named now.
    pub(super) fn reopen(&self, id: &str, params: &Value) -> Result<(), Value> {
        let roots = self.roots(params)?;
        if !self.breaks.has("SESS-18") {
            self.store.with(|all| all.get_mut(id).map(|session| session.roots = roots));
        }
        Ok(())
    }

    /// A file that is read: in the session's directory or beside it.
    pub(super) fn input(&self, session: &str, beside: bool) -> String {
        let path = self.path(session, prompts::INPUT);
        let parent = Path::new(&path).parent().and_then(Path::parent);
        match parent.filter(|_| beside) {
            Some(parent) => parent.join(prompts::BESIDE).join(prompts::INPUT).display().to_string(),
            None => path,
        }
    }

    /// Returns whether a path is below one of the session's roots.
    pub(super) fn is_below_a_root(&self, session: &str, path: &str) -> bool {
        let Some(session) = self.store.get(session) else { return false };
        let own = if self.breaks.has("SESS-07") && !session.roots.is_empty() { None } else { Some(&session.cwd) };
        own.into_iter().chain(&session.roots).any(|root| Path::new(path).starts_with(root))
    }
}
