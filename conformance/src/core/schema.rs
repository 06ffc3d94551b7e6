//! The published schemas, and whether a message keeps to them.

mod members;
mod open;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

/// Faults of one message that are told.
const MAX_FAULTS: usize = 3;

/// One published release. The files are in `conformance/schema`.
struct Release {
    name: &'static str,
    /// Protocol version and texts, the most permissive first.
    files: &'static [(u8, &'static [&'static str])],
}

/// Newest first.
const RELEASES: &[Release] = &[
    Release {
        name: "1.20.0",
        files: &[
            (
                1,
                &[
                    include_str!("../../schema/1.20.0/v1/schema.unstable.json"),
                    include_str!("../../schema/1.20.0/v1/schema.json"),
                ],
            ),
            (
                2,
                &[
                    include_str!("../../schema/1.20.0/v2/schema.unstable.json"),
                    include_str!("../../schema/1.20.0/v2/schema.json"),
                ],
            ),
        ],
    },
    Release {
        name: "2.4.0",
        files: &[
            (
                1,
                &[
                    include_str!("../../schema/2.4.0/v1/schema.unstable.json"),
                    include_str!("../../schema/2.4.0/v1/schema.json"),
                ],
            ),
            (
                2,
                &[
                    include_str!("../../schema/2.4.0/v2/schema.unstable.json"),
                    include_str!("../../schema/2.4.0/v2/schema.json"),
                ],
            ),
        ],
    },
    Release { name: "1.9.0", files: &[(1, &[include_str!("../../schema/1.9.0/v1/schema.json")])] },
];

/// By release and protocol version.
type Loaded = HashMap<(&'static str, u8), Arc<Schemas>>;

static LOADED: LazyLock<Mutex<Loaded>> = LazyLock::new(Mutex::default);

/// Names of the releases, newest first.
pub fn releases() -> impl Iterator<Item = &'static str> {
    RELEASES.iter().map(|release| release.name)
}

/// The schemas of one release for one protocol version.
#[derive(Debug)]
pub struct Schemas {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    definitions: Value,
    /// By whose method it is (`agent`, `client`, `protocol`), method, and what of it: the definition's name.
    methods: HashMap<(String, String, Part), String>,
    validators: Mutex<HashMap<String, Arc<OnceLock<Option<Validator>>>>>,
}

/// Part of a method that a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC has no more")]
pub enum Part {
    /// The params of a request.
    Request,
    /// The result.
    Response,
    /// The params of a notification.
    Notification,
}

/// Side that a method belongs to: the one that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two sides")]
pub enum Side {
    /// Methods that an agent serves.
    Agent,
    /// Methods that a client serves.
    Client,
}

impl Schemas {
    /// Those of a release, the newest without a name; `None` if there is no such release or version.
    #[must_use]
    pub fn of(release: Option<&str>, version: u8) -> Option<Arc<Self>> {
        let release = match release {
            Some(name) => RELEASES.iter().find(|release| release.name == name)?,
            None => RELEASES.first()?,
        };
        let (_, texts) = release.files.iter().find(|(of, _)| *of == version)?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let schemas = loaded.entry((release.name, version)).or_insert_with(|| {
            // A test reads every file.
            Arc::new(Self { files: texts.iter().filter_map(|text| File::read(text)).collect() })
        });
        Some(Arc::clone(schemas))
    }

    /// Returns whether the method is one of the protocol's, and what of it there is.
    #[must_use]
    pub fn knows(&self, side: Side, method: &str, part: Part) -> bool {
        self.files.iter().any(|file| file.name(side, method, part).is_some())
    }

    /// Returns whether this kind of `session/update` is one of the protocol's, or its kinds are open.
    #[must_use]
    pub fn knows_update(&self, kind: &str) -> bool {
        let open = |file: &File| !file.definitions["SessionUpdate"]["oneOf"].is_array();
        self.files.iter().any(|file| open(file) || file.update(kind).is_some())
    }

    /// Faults of `value` as this part of a method, by the release's most permissive schema; empty if nothing
    /// is, or if the method is none of the protocol's.
    #[must_use]
    pub fn faults(&self, side: Side, method: &str, part: Part, value: &Value) -> Vec<String> {
        let mut first = None;
        for file in &self.files {
            let Some(name) = file.name(side, method, part) else { continue };
            let faults = file.faults(&name, value);
            if faults.is_empty() {
                return faults;
            }
            first.get_or_insert(faults);
        }
        first.unwrap_or_default()
    }

    /// Members of `value`, by path, that neither schema of the release has for this part of a method.
    #[must_use]
    pub fn strangers(&self, side: Side, method: &str, part: Part, value: &Value) -> Vec<String> {
        let of = |file: &File| {
            let name = file.name(side, method, part)?;
            Some(members::strangers(&file.definitions, &name, value))
        };
        let mut all = self.files.iter().filter_map(of);
        let mut strange = all.next().unwrap_or_default();
        for others in all {
            strange.retain(|path| others.contains(path));
        }
        strange
    }

    /// Values in `value`, by path, that are neither on the list that a schema of the release has for them nor begin with
    /// an underscore, as extensions do.
    #[must_use]
    pub fn reserved(&self, side: Side, method: &str, part: Part, value: &Value) -> Vec<String> {
        let of = |file: &File| Some(open::reserved(&file.definitions, &file.name(side, method, part)?, value));
        // What one of the schemas lists is known.
        let mut all = self.files.iter().filter_map(of);
        let mut found = all.next().unwrap_or_default();
        for others in all {
            found.retain(|path| others.contains(path));
        }
        found
    }

    /// Faults of `value` as the definition of this name; empty if there are none or there is no such definition.
    #[must_use]
    pub fn faults_of(&self, name: &str, value: &Value) -> Vec<String> {
        self.files.first().map(|file| file.faults(name, value)).unwrap_or_default()
    }
}

impl File {
    fn read(text: &str) -> Option<Self> {
        let mut schema: Value = serde_json::from_str(text).ok()?;
        let definitions = schema.get_mut("$defs")?.take();
        let mut methods = HashMap::new();
        for (name, definition) in definitions.as_object()? {
            let (Some(side), Some(method)) = (definition["x-side"].as_str(), definition["x-method"].as_str()) else {
                continue;
            };
            let part = match name {
                name if name.ends_with("Request") => Part::Request,
                name if name.ends_with("Response") => Part::Response,
                name if name.ends_with("Notification") => Part::Notification,
                _ => continue,
            };
            methods.insert((side.to_owned(), method.to_owned(), part), name.clone());
        }
        Some(Self { definitions, methods, validators: Mutex::default() })
    }

    fn name(&self, side: Side, method: &str, part: Part) -> Option<String> {
        let side = match side {
            Side::Agent => "agent",
            Side::Client => "client",
        };
        let of = |side: &str| self.methods.get(&(side.to_owned(), method.to_owned(), part)).cloned();
        of(side).or_else(|| of("protocol"))
    }

    fn faults(&self, name: &str, value: &Value) -> Vec<String> {
        if let Some(faults) = self.by_variant(name, value) {
            return faults;
        }
        let slot = {
            let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(validators.entry(name.to_owned()).or_default())
        };
        let validator = slot.get_or_init(|| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": format!("#/$defs/{name}"),
                "$defs": self.definitions,
            });
            jsonschema::validator_for(&schema).ok()
        });
        let Some(validator) = validator else { return Vec::new() };
        let fault = |error: jsonschema::ValidationError<'_>| {
            let at = error.instance_path().to_string();
            if at.is_empty() { error.to_string() } else { format!("at {at}: {error}") }
        };
        validator.iter_errors(value).take(MAX_FAULTS).map(fault).collect()
    }

    /// The alternative of `SessionUpdate` for this kind.
    fn update(&self, kind: &str) -> Option<&Value> {
        let union = &self.definitions["SessionUpdate"];
        let variants = union["oneOf"].as_array().or_else(|| union["anyOf"].as_array())?;
        variants.iter().find(|variant| variant["properties"]["sessionUpdate"]["const"] == kind)
    }

    /// An update is judged by its own kind's definition: "no alternative fits" helps nobody.
    fn by_variant(&self, name: &str, value: &Value) -> Option<Vec<String>> {
        if name != "SessionNotification" && name != "UpdateSessionNotification" {
            return None;
        }
        let kind = value["update"]["sessionUpdate"].as_str()?;
        let definition = self.update(kind)?["allOf"][0]["$ref"].as_str()?.strip_prefix("#/$defs/")?;
        if !value["sessionId"].is_string() {
            return Some(vec!["sessionId is missing or no string".to_owned()]);
        }
        Some(self.faults(definition, &value["update"]).into_iter().map(|fault| format!("{kind}: {fault}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_can_be_read_and_every_method_of_it_compiled() {
        for release in RELEASES {
            for (version, texts) in release.files {
                let schemas = Schemas::of(Some(release.name), *version).expect("a release");
                assert_eq!(schemas.files.len(), texts.len());
                for file in &schemas.files {
                    assert!(file.methods.len() > 30, "{} v{version}", release.name);
                }
            }
        }
        assert!(Schemas::of(Some("0.0.0"), 1).is_none());
    }

    #[test]
    fn the_newest_release_is_the_one_that_the_workspace_builds_on() {
        let lock = include_str!("../../../Cargo.lock");
        let (_, rest) = lock.split_once("name = \"agent-client-protocol-schema\"\nversion = \"").expect("the crate");
        let version = rest.split('"').next();
        assert_eq!(releases().next(), version, "`cargo xtask currency --save` writes the schemas of another release");
    }

    #[test]
    fn a_message_is_judged_by_method_side_and_part() {
        let schemas = Schemas::of(None, 1).expect("the newest");
        let faults = |value: &Value| schemas.faults(Side::Agent, "session/new", Part::Response, value);
        assert_eq!(faults(&json!({ "sessionId": "s" })), Vec::<String>::new());
        assert_eq!(faults(&json!({ "sessionId": 7 })).len(), 1);
        assert!(!schemas.knows(Side::Client, "session/new", Part::Request));
        assert!(schemas.knows(Side::Agent, "$/cancel_request", Part::Notification));
    }

    #[test]
    fn a_wrong_update_is_told_by_its_kind() {
        let schemas = Schemas::of(None, 1).expect("the newest");
        let faults = |update: Value| {
            let params = json!({ "sessionId": "s", "update": update });
            schemas.faults(Side::Client, "session/update", Part::Notification, &params)
        };
        let chunk = json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "x" } });
        assert_eq!(faults(chunk), Vec::<String>::new());
        let wrong = faults(json!({ "sessionUpdate": "tool_call", "title": "x" }));
        assert!(wrong[0].starts_with("tool_call: ") && wrong[0].contains("toolCallId"), "{wrong:?}");
    }
}
