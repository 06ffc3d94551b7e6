use acp_types::v1;
use serde_json::json;

use super::{Change, Options};

fn options() -> Options {
    let models = json!({ "current_permission_mode": "default", "models": [
        { "value": "default", "resolvedModel": "m-5", "supportedEffortLevels": ["low", "high"], "supportsAutoMode": true },
        { "value": "small", "resolvedModel": "s-5" },
    ]});
    Options::read(&models, &json!({ "applied": { "model": "m-5", "effort": "high" } }), false)
}

#[test]
fn only_modes_that_can_work_are_offered() {
    let modes: Vec<_> = options().modes().available_modes.into_iter().map(|mode| mode.id.to_string()).collect();
    assert_eq!(modes, ["default", "acceptEdits", "plan", "dontAsk", "auto"]);
    assert!(options().mode("bypassPermissions").is_err());
}

#[test]
fn a_model_without_effort_has_no_such_option() {
    let mut options = options();
    assert_eq!(options.config().len(), 3);
    let value = v1::SessionConfigOptionValue::value_id("small");
    let change = options.change("model", &value).expect("a change");
    assert_eq!(change, Change::Model("small".to_owned()));
    assert!(options.apply(change));
    assert_eq!(options.config().len(), 2);
}

#[test]
fn a_model_that_was_changed_elsewhere_is_noticed_once() {
    let mut options = options();
    assert!(!options.hear_model("m-5"));
    assert!(options.hear_model("s-5"));
    assert_eq!(options.model, "small");
    assert!(options.hear_model("unheard-of"));
    assert!(!options.hear_model("unheard-of"));
}
