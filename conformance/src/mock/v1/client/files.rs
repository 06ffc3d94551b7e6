//! Files that the client reads and writes.

use serde_json::{Value, json};

use super::state::Client;
use crate::mock::answers::{RpcAnswer, error, invalid};

fn not_found(code: i64) -> Value {
    error(code, "Resource not found")
}

impl Client {
    pub(super) fn read_file(&self, params: &Value) -> RpcAnswer {
        let Some(path) = params["path"].as_str() else { return Err(invalid("path")) };
        let code = if self.breaks.has("ERR-07") { -32603 } else { -32002 };
        if !std::path::Path::new(path).starts_with(&self.directory) && !self.breaks.has("FS-11") {
            return Err(not_found(code));
        }
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            // What it does not offer, it has all the same.
            Err(_) if self.breaks.has("FS-09") => String::new(),
            Err(_) => return Err(not_found(code)),
        };
        let from = params["line"].as_u64().map_or(0, |line| line - u64::from(!self.breaks.has("FS-04") && line > 0));
        let limit = params["limit"].as_u64().unwrap_or(u64::MAX);
        let lines = text.split_inclusive('\n').skip(usize::try_from(from).unwrap_or(usize::MAX));
        let mut content: String = lines.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        if self.breaks.has("FS-03") && params["line"].is_null() {
            content = content.trim_end().to_owned();
        }
        Ok(json!({ "content": content }))
    }

    pub(super) fn write_file(&self, params: &Value) -> RpcAnswer {
        let (Some(path), Some(content)) = (params["path"].as_str(), params["content"].as_str()) else {
            return Err(invalid("path and content"));
        };
        let before = std::fs::read_to_string(path);
        if self.breaks.has("FS-06") && before.is_err() {
            // Writes only what is there already, but does that the next time.
            let _ = std::fs::write(path, "");
            return Err(not_found(-32002));
        }
        let before = if self.breaks.has("FS-07") { before.unwrap_or_default() } else { String::new() };
        std::fs::write(path, before + content).map_err(|failure| error(-32603, &failure.to_string()))?;
        Ok(if self.breaks.has("FS-08") { json!("written") } else { json!({}) })
    }
}
