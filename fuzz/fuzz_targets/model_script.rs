//! A script of the scripted model is read or refused, and never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = conformance::model::Script::parse(text) {
        assert!(!error.to_string().is_empty());
    }
});
