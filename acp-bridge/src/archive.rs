//! Logs at rest: sessions as files, logs of somebody else, and whether what a log says is sound.
//!
//! A log knows nothing of what its records mean; here both are known, the log and the session.
//!
//! # An export
//!
//! A session as JSON Lines that another log can take in. The first line is a [`Header`]; each that follows is one [`acp_types::record::Record`] as it serialises, bodies
//! untouched. The only change is that a line break between the tokens of a body, where JSON allows any white space,
//! becomes a blank.
//!
//! A session that was trimmed is exported as it is: of the seqs up to `oldest` there are the control records only, which
//! are always retained, and gaps between them are legal; after `oldest` there is every record. `records` in the header
//! counts the lines that follow, so that an export that was cut off is recognised.
//!
//! An import gets one record more, [`acp_types::record::Kind::SessionDisarmed`]: it is data, and starts nothing.

mod adopt;
mod check;
mod disarm;
mod error;
mod export;
mod header;
mod import;
mod intake;
mod lines;
mod place;
mod rename;

pub use adopt::adopt;
pub use check::{Checked, check};
pub use disarm::Imported;
pub use error::{ExportError, ImportError, LineError};
pub use export::Export;
pub use header::Header;
pub use import::import;
pub use intake::Intake;
pub use lines::MAX_LINE;
pub use place::{ExportPlace, NoPlace};
