//! The profiles: built in, and of the user.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::version::Version;

/// The profiles that come with this crate.
const BUILT_IN: &str = include_str!("../../profiles.toml");
/// A file of profiles of the user's own. Default: `acp-harness/profiles.toml` in `$XDG_CONFIG_HOME` or `~/.config`.
pub const PROFILES: &str = "ACP_HARNESS_PROFILES";

/// Subcommands of `acp-harness`, which no profile of the user's own can be called.
const RESERVED: [&str; 6] = ["codex", "claude", "list", "which", "doctor", "help"];

/// A harness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Profile {
    /// Name on the command line.
    pub name: String,
    /// Name for people.
    #[serde(default)]
    pub title: String,
    /// The program, by path or by name on `PATH`.
    pub program: PathBuf,
    /// The variable that says where the program is instead.
    #[serde(default)]
    pub program_env: Option<String>,
    /// The adapter that drives it. Without one it speaks ACP itself.
    #[serde(default)]
    pub adapter: Option<Adapter>,
    /// Arguments that make it speak ACP.
    #[serde(default)]
    pub args: Vec<String>,
    /// Variables that it is started with.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Arguments that make it print its version.
    #[serde(default)]
    pub version: Vec<String>,
    /// The oldest version that works.
    #[serde(default)]
    pub minimum: Option<Version>,
    /// Arguments that exit with 0 when somebody is logged in.
    #[serde(default)]
    pub login: Vec<String>,
    /// Variables with a key that stands for a login, for a harness that does not say so itself.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Command to log in.
    #[serde(default)]
    pub log_in: Option<String>,
    /// Command to install it.
    #[serde(default)]
    pub install: Option<String>,
    /// Directory of the harness's own files.
    #[serde(default)]
    pub home: Option<String>,
    /// The variable that says where instead.
    #[serde(default)]
    pub home_env: Option<String>,
    /// Files and folders of it that the harness reads through its client.
    #[serde(default)]
    pub readable: Vec<String>,
    /// Set-up for runs against a scripted model.
    #[serde(default)]
    pub offline: Option<Offline>,
}

/// The adapter that drives a harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Adapter {
    /// [`crate::codex`].
    Codex,
    /// [`crate::claude`].
    Claude,
}

impl Adapter {
    /// The subcommand that runs it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Claude => "claude",
        }
    }
}

/// Set-up of a harness without the network. `{url}` stands for the scripted model, `{home}` for a private home.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Offline {
    /// Variables to set.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files to write, relative to the home.
    #[serde(default)]
    pub files: BTreeMap<PathBuf, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    profile: Vec<Profile>,
}

/// Profiles that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The file is there but cannot be read.
    #[error("cannot read the profiles in {}: {source}; correct its permissions or remove it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// It would be a file of whatever directory we are in, which may be anybody's.
    #[error("{PROFILES} says {}, which is relative: write the whole path of the file", path.display())]
    Relative {
        /// The value of the variable.
        path: PathBuf,
    },
    /// The file is not what it has to be.
    #[error("the profiles in {origin} are wrong: {source}")]
    Parse {
        /// The file, or that they came with the program.
        origin: String,
        /// The place and the mistake.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A profile of the user's own has the name of a subcommand.
    #[error("the profile {name:?} in {} would never be run: it is a subcommand; give it another name", path.display())]
    Reserved {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// No profile has this name.
    #[error("no harness is called {name:?}; known are {known}; add your own to {}", file.display())]
    Unknown {
        /// The name as given.
        name: String,
        /// All names, with commas.
        known: String,
        /// The file of the user's own profiles.
        file: PathBuf,
    },
}

/// All profiles: the user's own first, then those that came with the program and that the user has not replaced.
#[derive(Debug, Clone)]
pub struct Profiles {
    all: Vec<Profile>,
    file: PathBuf,
}

impl Profiles {
    /// Loads the built-in profiles and those in `file`, if it is there. An empty path stands for none.
    ///
    /// # Errors
    /// When the file is there and wrong, and when its path is relative.
    pub fn load(file: PathBuf) -> Result<Self, ProfileError> {
        if file.is_relative() && !file.as_os_str().is_empty() {
            return Err(ProfileError::Relative { path: file });
        }
        let mut all = match std::fs::read_to_string(&file) {
            Ok(text) => parse(&text, &file.display().to_string())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(ProfileError::Read { path: file, source }),
        };
        if let Some(own) = all.iter().find(|own| RESERVED.contains(&own.name.as_str())) {
            return Err(ProfileError::Reserved { name: own.name.clone(), path: file });
        }
        for profile in parse(BUILT_IN, "this program")? {
            if all.iter().all(|own| own.name != profile.name) {
                all.push(profile);
            }
        }
        Ok(Self { all, file })
    }

    /// The profile of a name.
    ///
    /// # Errors
    /// When there is none; the error names those that there are.
    pub fn get(&self, name: &str) -> Result<&Profile, ProfileError> {
        self.all.iter().find(|profile| profile.name == name).ok_or_else(|| ProfileError::Unknown {
            name: name.to_owned(),
            known: self.all.iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>().join(", "),
            file: self.file.clone(),
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter()
    }
}

/// The file of the user's own profiles, from the environment; empty if it names none. A missing variable never leads to
/// the current directory: profiles of a repository could start any program.
#[must_use]
pub fn user_file(var: impl Fn(&str) -> Option<std::ffi::OsString>) -> PathBuf {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = || absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    match var(PROFILES).filter(|file| !file.is_empty()) {
        Some(file) => PathBuf::from(file),
        None => config().map(|config| config.join("acp-harness/profiles.toml")).unwrap_or_default(),
    }
}

fn parse(text: &str, origin: &str) -> Result<Vec<Profile>, ProfileError> {
    let file: File = toml::from_str(text)
        .map_err(|source| ProfileError::Parse { origin: origin.to_owned(), source: Box::new(source) })?;
    Ok(file.profile)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn built_in() -> Vec<Profile> {
        parse(BUILT_IN, "this program").unwrap()
    }

    #[test]
    fn the_harnesses_that_are_promised_are_there() {
        let names: Vec<_> = built_in().into_iter().map(|profile| profile.name).collect();
        for name in ["codex", "claude", "openclaw", "gemini", "opencode"] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
    }

    #[test]
    fn each_says_what_a_user_needs_who_lacks_it() {
        for profile in built_in() {
            assert!(profile.install.is_some() && profile.log_in.is_some() && !profile.title.is_empty(), "{profile:?}");
            assert!(profile.adapter.is_some() || !profile.args.is_empty(), "{profile:?}");
        }
    }

    #[test]
    fn a_profile_of_the_users_own_comes_first_and_replaces_one_of_ours() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("profiles.toml");
        std::fs::write(
            &file,
            "[[profile]]\nname = \"mine\"\nprogram = \"my-agent\"\nargs = [\"--acp\"]\n\
             [[profile]]\nname = \"gemini\"\nprogram = \"other\"\n",
        )
        .unwrap();
        let profiles = Profiles::load(file).unwrap();
        assert_eq!(profiles.get("mine").unwrap().args, ["--acp"]);
        assert_eq!(profiles.get("gemini").unwrap().program, Path::new("other"));
        assert_eq!(profiles.iter().filter(|profile| profile.name == "gemini").count(), 1);
    }

    #[test]
    fn a_profile_with_the_name_of_a_subcommand_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("profiles.toml");
        std::fs::write(&file, "[[profile]]\nname = \"codex\"\nprogram = \"mine\"\n").unwrap();
        let error = Profiles::load(file).unwrap_err().to_string();
        assert!(error.contains("\"codex\"") && error.contains("another name"), "{error}");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones_and_where_to_add_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("none.toml");
        let error = Profiles::load(file.clone()).unwrap().get("nobody").unwrap_err().to_string();
        assert!(error.contains("codex, claude") && error.contains(&file.display().to_string()), "{error}");
    }

    #[test]
    fn a_wrong_file_is_refused_with_the_line() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("profiles.toml");
        std::fs::write(&file, "[[profile]]\nname = \"x\"\nprogramme = \"y\"\n").unwrap();
        let error = Profiles::load(file).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("programme"), "{error}");
    }

    #[test]
    fn the_users_file_follows_the_variables_of_the_system() {
        let of = |pairs: &'static [(&str, &str)]| {
            user_file(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into()))
        };
        assert_eq!(of(&[("HOME", "/h")]), Path::new("/h/.config/acp-harness/profiles.toml"));
        assert_eq!(of(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c")]), Path::new("/c/acp-harness/profiles.toml"));
        assert_eq!(of(&[("HOME", "/h"), (PROFILES, "/p.toml")]), Path::new("/p.toml"));
        assert_eq!(of(&[("HOME", "/h"), (PROFILES, "")]), Path::new("/h/.config/acp-harness/profiles.toml"));
    }

    #[test]
    fn no_profile_is_taken_from_the_directory_that_we_are_in() {
        assert_eq!(user_file(|_| None), Path::new(""), "without a home");
        assert_eq!(user_file(|name| (name == "HOME").then(|| "relative".into())), Path::new(""));
        assert!(Profiles::load(PathBuf::new()).unwrap().get("codex").is_ok());
        let error = Profiles::load("profiles.toml".into()).unwrap_err().to_string();
        assert!(error.contains("relative") && error.contains(PROFILES), "{error}");
    }
}
