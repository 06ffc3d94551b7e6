//! Where a client is: added to every `session/update`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::escape;
use crate::record::{Seq, Turn};

/// `_meta["acp-bridge"]` of a `session/update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made for every update by the gateway; a new member is a breaking change"
)]
pub struct UpdateMeta<'a> {
    /// Seq of the record; of the last one that a merged chunk covers. The cursor to come back with.
    pub seq: Seq,
    /// When the host made the record: microseconds since the Unix epoch, UTC.
    pub at: u64,
    /// The turn it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// The agent it comes from.
    pub lane: Cow<'a, str>,
}

impl UpdateMeta<'_> {
    /// Appends the object as JSON, as serde would but several times faster: it is written once for each update.
    pub fn push_to(&self, out: &mut String) {
        out.push_str(r#"{"seq":"#);
        push_number(out, self.seq);
        out.push_str(r#","at":"#);
        push_number(out, self.at);
        if let Some(turn) = self.turn {
            out.push_str(r#","turn":"#);
            push_number(out, turn);
        }
        out.push_str(r#","lane":"#);
        escape::push_string(out, &self.lane);
        out.push('}');
    }
}

fn push_number(out: &mut String, mut number: u64) {
    // u64::MAX has 20 digits.
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend(digits[first..].iter().map(|&digit| char::from(digit)));
}

#[cfg(test)]
mod tests {
    use super::UpdateMeta;

    #[test]
    fn it_is_written_as_serde_writes_it() {
        for (seq, turn, lane) in [(0, None, "main"), (10, Some(1), "a\"b\n"), (u64::MAX, Some(u64::MAX), "")] {
            let meta = UpdateMeta { seq, at: 1_700_000_000_000_000, turn, lane: lane.into() };
            let mut out = String::new();
            meta.push_to(&mut out);
            assert_eq!(out, serde_json::to_string(&meta).unwrap());
            assert_eq!(serde_json::from_str::<UpdateMeta<'_>>(&out).unwrap(), meta);
        }
    }
}
