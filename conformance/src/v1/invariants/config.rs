//! Lists of config options, which are always told whole.

use serde_json::Value;

/// An option that is not in a list although all that are there have the values that they had with it. Where another has
/// changed this one may be gone with it: "This allows Agents to reflect dependent changes".
pub(crate) fn left_out<'v>(before: &'v [Value], after: &[Value]) -> Option<&'v Value> {
    let now = |option: &Value| after.iter().find(|known| known["id"] == option["id"]);
    let same = |option: &Value| now(option).is_none_or(|known| known["currentValue"] == option["currentValue"]);
    before.iter().all(same).then(|| before.iter().find(|option| now(option).is_none()))?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_option_may_go_when_another_changes_and_not_otherwise() {
        let list = |options: &[(&str, &str)]| -> Vec<Value> {
            options.iter().map(|(id, value)| json!({ "id": id, "currentValue": value })).collect()
        };
        let before = list(&[("model", "large"), ("effort", "high")]);
        assert_eq!(left_out(&before, &list(&[("model", "small")])), None);
        assert_eq!(left_out(&before, &list(&[("effort", "low"), ("model", "small"), ("new", "x")])), None);
        assert_eq!(left_out(&before, &list(&[("model", "large")])), Some(&before[1]));
        assert_eq!(left_out(&before, &[]), Some(&before[0]));
    }
}
