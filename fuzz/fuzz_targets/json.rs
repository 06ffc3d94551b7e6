//! Any text: what is JSON can be decoded, whatever it escapes, and nothing but halves of surrogate pairs is changed.
#![no_main]

use acp_types::{Raw, json};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let slice = json::well_formed_slice(bytes);
    assert_eq!(slice.len(), bytes.len());
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let well_formed = json::well_formed(text);
    assert_eq!(well_formed.as_bytes(), &*slice);
    assert_eq!(json::well_formed(&well_formed), well_formed, "once is enough");
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            assert_eq!(well_formed, text, "nothing was wrong with it");
            assert_eq!(json::from_str::<Value>(text).expect("as before"), value);
        }
        Err(strict) => {
            if let (Ok(raw), Err(error)) = (Raw::parse(text), json::from_str::<Value>(text)) {
                // Left are serde_json's own bounds.
                assert!(error.to_string().contains("recursion") || error.to_string().contains("number"), "{strict}");
                let _ = raw.as_string();
            }
        }
    }
});
