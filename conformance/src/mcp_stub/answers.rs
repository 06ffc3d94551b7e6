//! Results of the stub, whatever carries them.

use serde_json::{Value, json};

/// A picture of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The result of a request; none of a method that the stub does not have.
pub(super) fn result(method: &str, params: &Value) -> Option<Value> {
    Some(match method {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"].as_str().unwrap_or("2025-06-18"),
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "acp-conformance-stub", "version": env!("CARGO_PKG_VERSION") },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": [{
            "name": "content",
            "description": "Gives back every kind of content.",
            "inputSchema": { "type": "object", "properties": {} },
        }] }),
        "tools/call" => json!({ "content": [
            { "type": "text", "text": "conformance content" },
            { "type": "image", "mimeType": "image/png", "data": PNG },
            { "type": "resource_link", "uri": "file:///conformance.txt", "name": "conformance.txt" },
            { "type": "resource", "resource": { "uri": "file:///conformance.txt", "mimeType": "text/plain", "text": "embedded" } },
        ] }),
        _ => return None,
    })
}
