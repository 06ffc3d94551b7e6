//! Which records of a transcript count. Edits, retries and prompts that were taken back leave branches that do not: what
//! counts is what leads to the last record, or to the one that a later note goes back to.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use acp_types::{Raw, RawBuf};

/// The records that count.
#[derive(Debug, Default)]
pub(super) struct Chain {
    records: HashSet<String>,
    /// Messages that count; blocks of one message may stand on branches of their own.
    messages: HashSet<String>,
}

#[derive(Debug)]
struct Link {
    parent: Option<String>,
    message: Option<String>,
    /// The record of the call that this is the result of.
    source: Option<String>,
}

impl Chain {
    pub(super) fn read(transcript: &Path) -> std::io::Result<Self> {
        let mut links = HashMap::new();
        let mut last = None;
        for line in BufReader::new(File::open(transcript)?).split(b'\n') {
            // What cannot be read is told of when it is shown.
            let Ok(record) = RawBuf::parse(String::from_utf8_lossy(&line?).into_owned()) else { continue };
            let record = record.as_raw();
            if let Some(uuid) = text(record, "uuid") {
                let link = link(record);
                if record.member("isSidechain").and_then(Raw::as_bool) != Some(true) {
                    last = Some(uuid.clone());
                }
                links.insert(uuid, link);
            } else if record.member("rewound").and_then(Raw::as_bool) == Some(true) {
                last = text(record, "leafUuid");
            }
        }
        Ok(Self::of(&links, last))
    }

    fn of(links: &HashMap<String, Link>, last: Option<String>) -> Self {
        let mut chain = Self::default();
        let mut next = last;
        while let Some(uuid) = next {
            let Some(link) = links.get(&uuid) else { break };
            // A circle would have no end.
            if !chain.records.insert(uuid) {
                break;
            }
            chain.messages.extend(link.message.clone());
            next = link.parent.clone();
        }
        // Calls that ran at once, and their results, are on branches side by side.
        let siblings: Vec<_> = links
            .iter()
            .filter(|(_, link)| link.message.as_ref().is_some_and(|message| chain.messages.contains(message)))
            .map(|(uuid, _)| uuid.clone())
            .collect();
        chain.records.extend(siblings);
        let results: Vec<_> = links
            .iter()
            .filter(|(_, link)| link.source.as_ref().is_some_and(|source| chain.records.contains(source)))
            .map(|(uuid, _)| uuid.clone())
            .collect();
        chain.records.extend(results);
        chain
    }

    /// True for a record that counts.
    pub(super) fn holds(&self, record: &RawBuf) -> bool {
        text(record.as_raw(), "uuid").is_some_and(|uuid| self.records.contains(&uuid))
    }
}

fn link(record: Raw<'_>) -> Link {
    let assistant = text(record, "type").as_deref() == Some("assistant");
    let message = record.path(&["message", "id"]).and_then(Raw::as_string).map(|id| id.into_owned());
    Link {
        parent: text(record, "parentUuid").or_else(|| text(record, "logicalParentUuid")),
        message: message.filter(|_| assistant),
        source: text(record, "sourceToolAssistantUUID"),
    }
}

fn text(record: Raw<'_>, key: &str) -> Option<String> {
    record.member(key)?.as_string().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use acp_types::RawBuf;
    use serde_json::{Value, json};

    use super::Chain;

    fn kept(records: &[Value]) -> Vec<String> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        for record in records {
            writeln!(file, "{record}").expect("written");
        }
        write!(file, "{{\"uuid\":\"cut o").expect("written");
        let chain = Chain::read(file.path()).expect("a transcript");
        let holds = |record: &&Value| chain.holds(&RawBuf::encode(record).expect("JSON"));
        records.iter().filter(holds).map(|record| record["uuid"].to_string()).collect()
    }

    #[test]
    fn a_branch_that_was_left_is_not_shown() {
        let records = [
            json!({ "type": "user", "uuid": "a", "parentUuid": null }),
            json!({ "type": "user", "uuid": "left", "parentUuid": "a" }),
            json!({ "type": "user", "uuid": "b", "parentUuid": "a" }),
        ];
        assert_eq!(kept(&records), ["\"a\"", "\"b\""]);
    }

    #[test]
    fn what_was_taken_back_is_not_shown() {
        let mut records = vec![
            json!({ "type": "user", "uuid": "a", "parentUuid": null }),
            json!({ "type": "user", "uuid": "refused", "parentUuid": "a" }),
            json!({ "type": "assistant", "uuid": "no", "parentUuid": "refused", "message": { "id": "m" } }),
            json!({ "type": "last-prompt", "leafUuid": "a", "rewound": true, "cutUuid": "refused" }),
        ];
        assert_eq!(kept(&records), ["\"a\""]);
        records.push(json!({ "type": "user", "uuid": "b", "parentUuid": "a" }));
        assert_eq!(kept(&records), ["\"a\"", "\"b\""]);
        records.push(json!({ "type": "last-prompt", "leafUuid": null, "rewound": true, "cutUuid": "a" }));
        assert_eq!(kept(&records), Vec::<String>::new());
    }

    #[test]
    fn calls_that_ran_at_once_are_all_shown() {
        let records = [
            json!({ "type": "user", "uuid": "a", "parentUuid": null }),
            json!({ "type": "assistant", "uuid": "c1", "parentUuid": "a", "message": { "id": "m" } }),
            json!({ "type": "assistant", "uuid": "c2", "parentUuid": "c1", "message": { "id": "m" } }),
            json!({ "type": "user", "uuid": "r1", "parentUuid": "c1", "sourceToolAssistantUUID": "c1" }),
            json!({ "type": "user", "uuid": "r2", "parentUuid": "c2", "sourceToolAssistantUUID": "c2" }),
            json!({ "type": "assistant", "uuid": "z", "parentUuid": "r2", "message": { "id": "n" } }),
        ];
        assert_eq!(kept(&records).len(), 6);
    }

    #[test]
    fn a_circle_ends() {
        let records = [
            json!({ "type": "user", "uuid": "a", "parentUuid": "b" }),
            json!({ "type": "user", "uuid": "b", "parentUuid": "a" }),
        ];
        assert_eq!(kept(&records).len(), 2);
    }
}
