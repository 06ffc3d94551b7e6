//! `acp-conformance bridge`.

use anyhow::Context;

use super::args;
use super::exit::{Exit, usage};
use super::play::{Plan, play};
use crate::bridge::{DURABLE, SUITE};
use crate::core::subject::{Own, Subject};

/// Placeholder of the mock agent's command line.
const AGENT: &str = "{agent}";

pub(super) async fn run(args: args::Bridge) -> anyhow::Result<Exit> {
    let (subject, shown) = subject(&args)?;
    let suites = if args.durable { vec![SUITE, DURABLE] } else { vec![SUITE] };
    let durable = if args.durable { "--durable " } else { "" };
    let again = format!("acp-conformance bridge {durable}--select {{}} {shown}");
    play(Plan { suites, subject, protocol: 1, limits: args.waits.limits(), again }, &args.play).await
}

/// The subject, and the arguments that name it.
fn subject(args: &args::Bridge) -> anyhow::Result<(Subject, String)> {
    if let Some(url) = &args.url {
        if !url.starts_with("ws://") {
            return Err(usage(format!(
                "{url} cannot be tested: only bridges that listen at ws:// or speak on stdio can"
            )));
        }
        return Ok((Subject::Socket { url: url.clone(), scripted: false }, format!("--url {url}")));
    }
    if !args.command.iter().any(|argument| argument.contains(AGENT)) {
        return Err(usage(format!(
            "there is no bridge to test: put its command line behind --, with {AGENT} where the agent's command line goes, \
             or the address of one before `acp-conformance mock-agent` behind --url"
        )));
    }
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let program = program.to_str().context("the path of this program is no text")?;
    let words = with_agent(&args.command, &[program, "mock-agent"]);
    let shown = format!("-- {}", args.command.join(" "));
    match words.split_first() {
        Some((program, rest)) => {
            let (program, args, own) = (program.clone(), rest.to_vec(), Own::default());
            Ok((Subject::Bridge { program, args, own }, shown))
        }
        None => Err(usage("the command line behind -- is empty")),
    }
}

/// The command line with the agent's in it: its words where an argument is nothing else, and one text for a shell where it
/// is a part of an argument.
fn with_agent(command: &[String], agent: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = agent.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
    let quoted = quoted.join(" ");
    let words = |argument: &String| match argument.as_str() {
        AGENT => agent.iter().map(|&word| word.to_owned()).collect(),
        _ => vec![argument.replace(AGENT, &quoted)],
    };
    command.iter().flat_map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_is_words_or_one_text_for_a_shell() {
        let command = ["bridge", "--", "{agent}"].map(str::to_owned);
        assert_eq!(with_agent(&command, &["/a b/c", "mock-agent"]), ["bridge", "--", "/a b/c", "mock-agent"]);
        let command = ["sh", "-c", "exec {agent}"].map(str::to_owned);
        assert_eq!(with_agent(&command, &["/it's", "x"]), ["sh", "-c", r"exec '/it'\''s' 'x'"]);
    }
}
