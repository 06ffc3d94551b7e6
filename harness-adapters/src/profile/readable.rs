//! Files of a harness that it reads through its client.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::catalogue::Profile;

impl Profile {
    /// Its readable folders and files, by what the environment says; only absolute paths.
    #[must_use]
    pub fn readable(&self, var: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
        let user = var("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let full = |path: &str| match path.strip_prefix("~/") {
            Some(below) => user.as_ref().map(|home| home.join(below)),
            None => Some(PathBuf::from(path)),
        };
        let named = self.home_env.as_deref().and_then(&var).filter(|named| !named.is_empty()).map(PathBuf::from);
        let home = named.or_else(|| self.home.as_deref().and_then(full)).filter(|home| home.is_absolute());
        let place = |path: &String| {
            if path.starts_with("~/") || Path::new(path).is_absolute() {
                return full(path);
            }
            home.as_ref().map(|home| home.join(path))
        };
        self.readable.iter().filter_map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use crate::profile::Profiles;

    fn of(name: &str, environment: &[(&str, &str)]) -> Vec<PathBuf> {
        let profiles = Profiles::load(PathBuf::new()).unwrap();
        let value = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        profiles.get(name).unwrap().readable(value)
    }

    #[test]
    fn skills_are_where_the_harness_keeps_them() {
        let codex = of("codex", &[("HOME", "/h")]);
        assert!(codex.contains(&"/h/.codex/skills".into()) && codex.contains(&"/h/.agents/skills".into()), "{codex:?}");
        let moved = of("codex", &[("HOME", "/h"), ("CODEX_HOME", "/c")]);
        assert!(moved.contains(&"/c/skills".into()) && moved.contains(&"/h/.agents/skills".into()), "{moved:?}");
        assert!(of("claude", &[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "/c")]).contains(&"/c/skills".into()));
        assert!(of("gemini", &[("HOME", "/h")]).is_empty());
    }

    #[test]
    fn nothing_is_a_path_of_the_directory_that_we_are_in() {
        for environment in [&[][..], &[("HOME", "h"), ("CODEX_HOME", "c")], &[("CODEX_HOME", "c"), ("HOME", "/h")]] {
            assert!(of("codex", environment).iter().all(|path| path.is_absolute() && !path.ends_with("c/skills")));
        }
    }

    #[test]
    fn nothing_that_is_readable_is_the_home_itself_or_a_login() {
        for name in ["codex", "claude"] {
            for path in of(name, &[("HOME", "/h")]) {
                let folder = path.file_name().and_then(|name| name.to_str()).unwrap();
                assert!(["skills", "plugins", "prompts", "commands", "agents"].contains(&folder), "{path:?}");
                assert!(path.starts_with(Path::new("/h")));
            }
        }
    }
}
