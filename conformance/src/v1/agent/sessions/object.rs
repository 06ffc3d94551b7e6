//! Results that are an object.

use serde_json::Value;

use crate::core::check::call;
use crate::core::history::Case;
use crate::core::verdict::Outcome;

/// `null` where an object is meant is what the documentation's own examples do elsewhere (AMB-26).
pub(in super::super) fn an_object(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    match call.result() {
        Some(Value::Object(_)) => Outcome::Pass,
        Some(Value::Null) => Outcome::doubtful("an object", call.said(), call.places()),
        _ => Outcome::broken("an object", call.said(), call.places()),
    }
}
