//! `acp-bridge sessions`.

use acp_types::Raw;
use serde_json::json;

use super::args;
use super::client::Client;
use super::output;
use super::show::string;

pub(super) async fn run(args: args::Sessions) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url.url).await?;
    let mut cursor: Option<String> = None;
    let mut none = true;
    loop {
        let params = cursor.as_ref().map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
        let page = client.call("session/list", &params).await?;
        for session in page.as_raw().member("sessions").into_iter().flat_map(Raw::elements) {
            none = false;
            if args.json {
                output::line(session.as_str())?;
            } else {
                let title = string(session, &["title"]);
                let (id, at, cwd) =
                    (string(session, &["sessionId"]), string(session, &["updatedAt"]), string(session, &["cwd"]));
                output::line(&format!("{id}  {at}  {cwd}  {title}"))?;
            }
        }
        cursor = page.as_raw().member("nextCursor").and_then(Raw::as_string).map(String::from);
        if cursor.is_none() {
            break;
        }
    }
    if none && !args.json {
        output::line("no sessions yet; start one with `acp-bridge chat` or `acp-bridge send new TEXT`")?;
    }
    Ok(())
}
