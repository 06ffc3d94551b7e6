//! The committed JSON Schema is the one that the types generate.
#![cfg(feature = "schema")]

use std::path::Path;

#[test]
fn the_committed_schema_of_records_has_not_drifted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/records.json");
    let generated = serde_json::to_string_pretty(&acp_types::schema::records()).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is out of date: run `UPDATE_GOLDEN=1 cargo test -p acp-types --features schema --test schema`",
        path.display()
    );
}

#[test]
fn the_schema_says_what_the_body_of_every_kind_is() {
    let schema = acp_types::schema::records();
    for kind in acp_types::record::Kind::KNOWN {
        assert!(schema["x-bodies"].get(kind.as_str()).is_some(), "{kind}");
    }
}

#[cfg(feature = "api")]
#[test]
fn the_committed_openrpc_document_has_not_drifted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/openrpc.json");
    let generated = serde_json::to_string_pretty(&acp_types::api::document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is out of date: run `UPDATE_GOLDEN=1 cargo test -p acp-types --features schema,api --test schema`",
        path.display()
    );
}

#[cfg(feature = "api")]
#[test]
fn every_reference_of_the_openrpc_document_leads_somewhere() {
    let document = acp_types::api::document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}
