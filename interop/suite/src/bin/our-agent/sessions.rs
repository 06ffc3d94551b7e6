//! Sessions, kept in files when `AGENT_STATE` names a directory.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use acp_server::Answer;
use acp_server::types::error::error;
use acp_server::types::v1::{SessionId, SessionMode, SessionModeState};
use acp_server::types::{ErrorCode, ErrorObjectOwned};

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Session {
    pub(crate) mode: String,
    /// Chunks of both sides: whether the user's, and the text.
    pub(crate) transcript: Vec<(bool, String)>,
}

pub(crate) struct Sessions {
    directory: Option<PathBuf>,
    open: Mutex<HashMap<SessionId, Session>>,
}

impl Sessions {
    pub(crate) fn open() -> std::io::Result<Self> {
        let directory = std::env::var_os("AGENT_STATE").map(PathBuf::from);
        if let Some(directory) = &directory {
            std::fs::create_dir_all(directory)?;
        }
        Ok(Self { directory, open: Mutex::default() })
    }

    pub(crate) fn persistent(&self) -> bool {
        self.directory.is_some()
    }

    pub(crate) fn create(&self) -> Answer<(SessionId, Session)> {
        let mut open = self.table();
        let id = SessionId::new(format!("ours-{}-{}", std::process::id(), open.len() + 1));
        let session = Session { mode: "ask".to_owned(), transcript: Vec::new() };
        self.save(&id, &session)?;
        open.insert(id.clone(), session.clone());
        Ok((id, session))
    }

    pub(crate) fn load(&self, id: &SessionId) -> Answer<Session> {
        let text = self.file(id).and_then(|file| std::fs::read(file).ok()).ok_or_else(|| unknown(id))?;
        let session: Session = serde_json::from_slice(&text).map_err(failed)?;
        self.table().insert(id.clone(), session.clone());
        Ok(session)
    }

    pub(crate) fn change(&self, id: &SessionId, change: impl FnOnce(&mut Session)) -> Answer<Session> {
        let mut open = self.table();
        let session = open.get_mut(id).ok_or_else(|| unknown(id))?;
        change(session);
        self.save(id, session)?;
        Ok(session.clone())
    }

    /// Written beside and renamed, so that a kill leaves the old or the new one.
    fn save(&self, id: &SessionId, session: &Session) -> Answer<()> {
        let Some(file) = self.file(id) else { return Ok(()) };
        let scratch = file.with_extension(format!("{}.tmp", std::process::id()));
        let text = serde_json::to_vec(session).map_err(failed)?;
        std::fs::write(&scratch, text).and_then(|()| std::fs::rename(&scratch, &file)).map_err(failed)
    }

    fn file(&self, id: &SessionId) -> Option<PathBuf> {
        Some(self.directory.as_ref()?.join(format!("{id}.json")))
    }

    fn table(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn modes(session: &Session) -> SessionModeState {
    let available = vec![SessionMode::new("ask", "Ask"), SessionMode::new("auto", "Auto")];
    SessionModeState::new(session.mode.clone(), available)
}

fn unknown(id: &SessionId) -> ErrorObjectOwned {
    error(ErrorCode::RESOURCE_NOT_FOUND, format!("no session {id}"), None)
}

fn failed(wrong: impl std::fmt::Display) -> ErrorObjectOwned {
    error(ErrorCode::INTERNAL_ERROR, wrong.to_string(), None)
}
