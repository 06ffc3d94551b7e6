//! Messages of a scenario. A part `bad`, `junk` or `malformed` of a label, between slashes, says that the message is wrong on
//! purpose; any other that the schema refuses is a fault of the suite.

use serde_json::{Value, json};

use super::{Probe, Stop};

impl Probe {
    /// Sends a request under an id of ours and does not wait.
    pub async fn ask(&mut self, label: &str, method: &str, params: Value) -> Result<Value, Stop> {
        self.next_id += 1;
        let id = json!(self.next_id);
        self.ask_as(label, id.clone(), method, params).await?;
        Ok(id)
    }

    /// Sends a request under this id and does not wait.
    pub async fn ask_as(&mut self, label: &str, id: Value, method: &str, params: Value) -> Result<(), Stop> {
        self.asked.insert(id.to_string(), None);
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.line(Some(label), &message.to_string()).await
    }

    /// Sends a notification.
    pub async fn notify(&mut self, label: &str, method: &str, params: Value) -> Result<(), Stop> {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.line(Some(label), &message.to_string()).await
    }

    /// Sends a line as it is.
    pub async fn line(&mut self, label: Option<&str>, line: &str) -> Result<(), Stop> {
        self.recorder.sent(label, line.as_bytes());
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        self.bytes(&bytes).await
    }

    /// Sends lines in writes of `size` bytes, with the subject's chance to read in between.
    pub async fn in_pieces(&mut self, lines: &[(&str, &Value)], size: usize) -> Result<(), Stop> {
        let mut bytes = Vec::new();
        for (label, message) in lines {
            let line = message.to_string();
            self.recorder.sent(Some(label), line.as_bytes());
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        for piece in bytes.chunks(size.max(1)) {
            self.bytes(piece).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let wire = self.wire.as_mut().ok_or(Stop::Gone)?;
        let written = tokio::time::timeout(self.limits.step, wire.write(bytes, &mut self.recorder)).await;
        written.map_err(|_| Stop::Late("the subject's reading of its input".to_owned()))?
    }
}
