//! The OpenRPC document, from the table of methods and the types.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Details, METHODS, Method};
use crate::record::body::Outcome;

/// The document: OpenRPC 1.3, with every type under `components.schemas`.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = SchemaGenerator::new(settings);
    let methods: Vec<_> = METHODS.iter().map(|method| describe(method, &mut generator)).collect();
    generator.subschema_for::<Details>();
    generator.subschema_for::<Outcome>();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "acp-bridge session API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sessions of ACP agents as logs that any number of clients read and write. Served at /rpc over \
                WebSocket and HTTP POST; subscriptions over WebSocket only.",
        },
        "methods": methods,
        "components": { "schemas": generator.take_definitions(true) },
    })
}

fn describe(method: &Method, generator: &mut SchemaGenerator) -> Value {
    let params: Vec<_> = method
        .params
        .iter()
        .map(|param| {
            let schema = (param.schema)(generator);
            json!({ "name": param.name, "summary": param.summary, "required": param.required, "schema": schema })
        })
        .collect();
    let item = (method.result)(generator);
    let result = match method.subscription {
        None => json!({ "name": "result", "schema": item }),
        Some(_) => json!({ "name": "subscription", "schema": { "type": ["integer", "string"] } }),
    };
    let mut described = json!({
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "either",
        "params": params,
        "result": result,
    });
    if let Some((unsubscribe, notification)) = method.subscription {
        described["x-subscription"] = json!({ "unsubscribe": unsubscribe, "notification": notification, "item": item });
    }
    described
}
