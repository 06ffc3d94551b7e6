//! The mistake in a configuration that Codex cannot read, and its place.

use std::path::Path;

use crate::failure::{Failure, FailureKind};

/// The failure for a refusal because of the configuration. The refusal names the file and the line only for some mistakes.
/// `warning` came when Codex started and always names them, but may be about a mistake that was corrected since.
pub(super) fn misread(refusal: &str, warning: Option<&str>, home: Option<&Path>) -> Failure {
    let said = refusal.rsplit_once(": /").map_or(refusal, |(_, path)| &refusal[refusal.len() - path.len() - 1..]);
    let said = ["failed to load configuration: ", "invalid configuration: "]
        .iter()
        .fold(said, |said, beginning| said.strip_prefix(beginning).unwrap_or(said));
    let mut lines = said.lines();
    let (first, key) = (lines.next().unwrap_or_default(), lines.next());
    let told = warning.filter(|told| place(first).is_none() && told.contains(first));
    let whole = told.unwrap_or(first);
    let fail = |message: String| {
        Failure::new(
            FailureKind::Unavailable,
            format!("Codex cannot read its configuration: {message}; correct it, then try again"),
        )
    };
    if let Some((file, line, what)) = place(whole) {
        return fail(format!("{file}, line {line}: {what}")).with("file", file).with("line", line);
    }
    let key = key.map(|key| format!(" {key}")).unwrap_or_default();
    match home.map(|home| home.join("config.toml")) {
        Some(file) => fail(format!("{whole}{key}, in {} or one that it reads with it", file.display()))
            .with("file", file.display().to_string()),
        None => fail(format!("{whole}{key}")),
    }
}

/// `/home/u/.codex/config.toml:3:16: what is wrong`.
fn place(text: &str) -> Option<(&str, u64, &str)> {
    let (file, rest) = text.split_once(".toml:")?;
    let file = &text[..file.len() + ".toml".len()];
    let mut parts = rest.splitn(3, ':');
    let line = parts.next()?.parse().ok()?;
    let _column: u64 = parts.next()?.parse().ok()?;
    Some((file, line, parts.next()?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_and_line_are_told_from_wherever_they_are_known() {
        let home = Path::new("/home/u/.codex");
        let warning = "/home/u/.codex/config.toml:4:1: unknown variant `nope`, expected one of `a`";
        for (refusal, warning, line, text) in [
            (
                "failed to read configuration layers: /home/u/.codex/config.toml:3:16: string values must be quoted",
                None,
                Some(3),
                "/home/u/.codex/config.toml, line 3: string values must be quoted",
            ),
            (
                "failed to load configuration: /home/u/.codex/config.toml:3:1: url is not supported for stdio",
                Some(warning),
                Some(3),
                "line 3: url is not supported",
            ),
            (
                "invalid configuration: unknown variant `nope`, expected one of `a`\nin `sandbox_mode`\n",
                Some(warning),
                Some(4),
                "line 4: unknown variant `nope`",
            ),
            (
                "invalid configuration: url is not supported for stdio\nin `mcp_servers.x`\n",
                Some(warning),
                None,
                "url is not supported for stdio in `mcp_servers.x`, in /home/u/.codex/config.toml",
            ),
            ("failed to resolve: Model provider `other` not found", None, None, "Model provider `other` not found"),
        ] {
            let failure = misread(refusal, warning, Some(home));
            assert_eq!(failure.kind, FailureKind::Unavailable);
            assert_eq!(failure.data.get("line").and_then(serde_json::Value::as_u64), line, "{failure}");
            assert!(failure.message.contains(text), "{failure}");
            assert_eq!(failure.data["file"], "/home/u/.codex/config.toml");
        }
    }
}
