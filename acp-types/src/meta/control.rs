//! The words with which a client says what is to become of a prompt, and of what a cancel is for.

use crate::RawBuf;
use crate::record::Turn;
use serde::{Deserialize, Serialize};

/// Makes a closed set of words: an enum, its names, and a way back that says which there are.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $expected:literal { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                schemars::json_schema!({ "type": "string", "enum": words })
            }
        }

        impl $name {
            /// Every word, the default first.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// The allowed values, for an error message.
            pub const EXPECTED: &'static str = $expected;

            /// The word as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }

            /// The word that is written so.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::from_name(text).ok_or(UnknownWord { expected: Self::EXPECTED })
            }
        }
    };
}

/// A word that is none of its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
#[non_exhaustive]
pub struct UnknownWord {
    /// The allowed values.
    pub expected: &'static str,
}

words! {
    /// `onBusy`: what becomes of a prompt while its lane runs or queues something.
    OnBusy, "one of \"queue\", \"reject\", \"interrupt\" and \"steer\"" {
        /// It waits behind the others.
        #[default]
        Queue = "queue",
        /// It is refused, and nothing is recorded.
        Reject = "reject",
        /// The running turn is cancelled, and it runs next, before all that wait.
        Interrupt = "interrupt",
        /// It goes into the running turn.
        Steer = "steer",
    }
}

words! {
    /// `afterRestart`: what becomes of a prompt that still waits when the bridge is started again.
    AfterRestart, "one of \"wait\" and \"run\"" {
        /// It waits until a client comes to the session.
        #[default]
        Wait = "wait",
        /// It runs at once, if nothing before it has to wait.
        Run = "run",
    }
}

words! {
    /// `scope`: what a cancel is for.
    CancelScope, "one of \"turn\", \"queued\" and \"all\"" {
        /// The turn that is named; else the one that runs, or is to run next.
        #[default]
        Turn = "turn",
        /// Everything that waits; what runs goes on.
        Queued = "queued",
        /// The running turn and all waiting prompts.
        All = "all",
    }
}

words! {
    /// `agent`: where the agent of a new session's `main` comes from.
    MainAgent, "one of \"server\" and \"dials_in\"" {
        /// The bridge starts it, with the session.
        #[default]
        Server = "server",
        /// Somebody else starts it, and it dials in. Until then the session has none.
        DialsIn = "dials_in",
    }
}

/// A prompt that waits: an entry of the answer to `_acp-bridge/queue`, first to run first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct QueuedPrompt {
    /// Its turn.
    pub turn: Turn,
    /// The client's key for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The client that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The agent that is to get it.
    pub lane: String,
    /// Its content blocks, as they are now.
    pub prompt: RawBuf,
}

impl QueuedPrompt {
    /// An entry without key and client.
    #[must_use]
    pub fn new(turn: Turn, lane: impl Into<String>, prompt: RawBuf) -> Self {
        Self { turn, key: None, client: None, lane: lane.into(), prompt }
    }
}

#[cfg(test)]
mod tests {
    use super::{AfterRestart, CancelScope, MainAgent, OnBusy};

    #[test]
    fn every_word_comes_back_from_its_name_and_the_default_is_the_first() {
        for word in OnBusy::ALL {
            assert_eq!(word.as_str().parse::<OnBusy>(), Ok(*word));
            assert!(OnBusy::EXPECTED.contains(&format!("{:?}", word.as_str())));
        }
        assert_eq!((OnBusy::default(), OnBusy::ALL.len()), (OnBusy::Queue, 4));
        assert_eq!(
            (AfterRestart::default(), AfterRestart::from_name("run")),
            (AfterRestart::Wait, Some(AfterRestart::Run))
        );
        assert_eq!(
            (MainAgent::default(), MainAgent::from_name("dials_in")),
            (MainAgent::Server, Some(MainAgent::DialsIn))
        );
        assert_eq!((CancelScope::default(), CancelScope::from_name("All")), (CancelScope::Turn, None));
    }
}
