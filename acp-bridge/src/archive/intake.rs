//! Lines of an export, and whether they make a session. Pure.

use acp_types::record::{Epoch, Kind, Record, Seq};
use acp_types::{Raw, SessionId, json};

use super::{Header, Imported, LineError, disarm, rename};
use crate::log::SessionInfo;
use crate::session::State;

/// Largest seq and epoch: what a log can hold, with room for more of both.
const MAX_SEQ: Seq = 1 << 35;
const MAX_EPOCH: Epoch = 1 << 53;
/// Turns and requests that may be open at once. A session has far fewer; it bounds what is remembered here.
const MAX_OPEN: u64 = 1024;

/// Takes an export in line by line and hands its records out, as the session that they are to become.
#[derive(Debug)]
pub struct Intake {
    header: Header,
    id: SessionId,
    state: State,
    info: SessionInfo,
    records: u64,
}

impl Intake {
    /// Begins with the first line. The session gets `new_id`, or keeps its own.
    ///
    /// # Errors
    /// When the line is no header, or one of an export that cannot be taken in.
    pub fn begin(line: &[u8], new_id: Option<SessionId>) -> Result<Self, LineError> {
        let not_an_export = |reason: String| LineError::NotAnExport { reason };
        let text = std::str::from_utf8(line).map_err(|e| not_an_export(e.to_string()))?;
        let format = Raw::parse(text).map_err(|e| not_an_export(e.to_string()))?.member("acpBridgeExport");
        match format.and_then(Raw::as_u64) {
            Some(Header::FORMAT) => {}
            Some(found) if found > Header::FORMAT => return Err(LineError::Newer { found, known: Header::FORMAT }),
            _ => return Err(not_an_export("its first line has no acpBridgeExport".to_owned())),
        }
        let header: Header = json::from_str(text).map_err(|e| not_an_export(e.to_string()))?;
        check(&header)?;
        let id = new_id.unwrap_or_else(|| header.session_id.clone());
        let info = SessionInfo::new(id.clone());
        Ok(Self { header, id, state: State::default(), info, records: 0 })
    }

    /// The session that it becomes.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Takes the next line in.
    ///
    /// # Errors
    /// When the line is no record, or one that cannot follow on those before it.
    pub fn record(&mut self, line: &[u8]) -> Result<Record, LineError> {
        let mut record = parse(line)?;
        if self.records == self.header.records {
            return Err(LineError::Surplus { promised: self.records });
        }
        disarm::strip(&mut record);
        self.admit(&record)?;
        self.state.apply(&record)?;
        self.info.apply(&record);
        self.info.epoch = record.epoch;
        self.bounded(&record)?;
        self.records += 1;
        if self.id != self.header.session_id {
            // The weight of what is kept is that of the renamed record.
            let before = record.weight() as u64;
            rename::rename(&mut record, &self.header.session_id, &self.id);
            if !record.kind.is_control() {
                self.info.bytes = self.info.bytes + record.weight() as u64 - before;
            }
        }
        Ok(record)
    }

    /// Ends after the last line, at `now`: the session as it is to be, and the record to add to it, which disarms it. An
    /// import is data, whoever made it: nothing that it says starts anything.
    ///
    /// # Errors
    /// When lines are missing, or the header says something else than they do.
    pub fn finish(self, now: u64) -> Result<Imported, LineError> {
        let Self { header, mut info, records, state, .. } = self;
        if records < header.records {
            return Err(LineError::CutOff { got: records, promised: header.records });
        }
        // The newest record itself may have been trimmed.
        if info.head < header.head && header.head > header.oldest {
            return Err(LineError::Contradiction { member: "head" });
        }
        let whole = info.head == header.head;
        for (member, agrees) in [
            ("cwd", info.cwd == header.cwd),
            ("title", info.title == header.title),
            ("createdAt", info.created_at == header.created_at),
            ("updatedAt", info.updated_at == header.updated_at || !whole),
        ] {
            if !agrees {
                return Err(LineError::Contradiction { member });
            }
        }
        info.updated_at = header.updated_at;
        info.head = header.head;
        info.oldest = header.oldest;
        info.epoch = header.epoch;
        let disarmed = disarm::disarmed(&state);
        let record = disarm::record(&info, now, &disarmed);
        info.apply(&record);
        Ok(Imported { session: info, record, disarmed })
    }

    fn admit(&self, record: &Record) -> Result<(), LineError> {
        let (last, oldest) = (self.info.head, self.header.oldest);
        let Record { seq, epoch, .. } = *record;
        // After the trim there is no gap; before it there may be, but for the session's creation.
        let expected = if last < oldest && last > 0 && seq > oldest { oldest + 1 } else { last + 1 };
        let gap_is_legal = last > 0 && seq > last && seq <= oldest;
        if (seq != expected && !gap_is_legal) || seq > self.header.head {
            return Err(LineError::Seq { expected, got: seq });
        }
        if seq == 1 && record.kind != Kind::SessionCreated {
            let reason = format!("the first one is a {} and not a session_created", record.kind);
            return Err(LineError::NotARecord { reason });
        }
        if seq <= oldest && !record.kind.is_control() {
            return Err(LineError::BeforeOldest { seq, kind: record.kind.clone(), oldest });
        }
        let (least, most) = (if last == 0 { 1 } else { self.info.epoch }, self.header.epoch);
        if epoch < least || epoch > most {
            return Err(LineError::Epoch { seq, got: epoch, least, most });
        }
        Ok(())
    }

    fn bounded(&self, record: &Record) -> Result<(), LineError> {
        let opens_request = matches!(record.kind, Kind::PermissionRequested | Kind::Request);
        let requests = if opens_request { self.state.pending().count() as u64 } else { 0 };
        if self.info.open_turns > MAX_OPEN || requests > MAX_OPEN {
            return Err(LineError::TooMuchOpen { limit: MAX_OPEN });
        }
        Ok(())
    }
}

fn check(header: &Header) -> Result<(), LineError> {
    if header.after > 0 {
        return Err(LineError::Partial { after: header.after });
    }
    for (member, value, fits) in [
        ("head", header.head, (1..=MAX_SEQ).contains(&header.head)),
        ("oldest", header.oldest, header.oldest <= header.head),
        ("epoch", header.epoch, (1..=MAX_EPOCH).contains(&header.epoch)),
        ("records", header.records, (1..=header.head).contains(&header.records)),
    ] {
        if !fits {
            return Err(LineError::Header { member, value });
        }
    }
    if header.session_id.as_str().is_empty() {
        return Err(LineError::NotAnExport { reason: "its session id is empty".to_owned() });
    }
    Ok(())
}

fn parse(line: &[u8]) -> Result<Record, LineError> {
    let not_a_record = |reason: String| LineError::NotARecord { reason };
    // A body is taken as it stands. Half a surrogate pair is in the way only in the text beside it.
    let record: Record =
        serde_json::from_slice(line).or_else(|_| json::from_slice(line)).map_err(|e| not_a_record(e.to_string()))?;
    // As a log reads it: what it would not read back must not get in.
    Raw::parse(record.body.as_str()).map_err(|e| not_a_record(format!("its body: {e}")))?;
    Ok(record)
}
