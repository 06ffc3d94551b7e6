//! The example page in a real browser. The page reports by prompting; the test reads the session's log.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Bridge, Options};
use acp_types::api::{self, Event, Follow, SessionApiClient};
use acp_types::record::Kind;
use acp_types::record::body::{Outcome, PromptQueued};

const PAGE: &str = include_str!("../../../docs/examples/browser.html");

const DEADLINE: Duration = Duration::from_secs(90);

/// What a person would do: prompt, stop, prompt while the connection is gone, reload, and say what is to be seen.
const PERSON: &str = r#"
const until = test => new Promise(done => { const poll = () => test() ? done() : setTimeout(poll, 20); poll(); });
const shown = text => page("log").textContent.split(text).length - 1;
const live = () => page("state").textContent.startsWith("live");
const send = text => { page("text").value = text; page("form").requestSubmit(); };
(async () => {
  await until(live);
  if (!sessionStorage.reloaded) {
    send("echo first");
    await until(() => shown("[completed]") == 1);
    send("wait");
    await until(() => /> wait\n./.test(page("log").textContent));
    page("stop").click();
    await until(() => shown("[cancelled]") == 1);
    socket.close();
    await until(() => socket.readyState == 3);
    send("echo second");
    await until(() => shown("[completed]") == 2);
    sessionStorage.reloaded = "yes";
    location.reload();
  } else {
    send("echo report " + page("log").textContent);
  }
})();
</script>
"#;

/// A browser without a window; all of its processes end with it.
struct Browser(Child);

impl Browser {
    fn open(url: &str, profile: &std::path::Path) -> Self {
        let child = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("start chromium: `cargo xtask test` installs it");
        Self(child)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may be gone.
        let _ = Command::new("kill").args(["-9", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

/// Serves the page at every path of a loopback address, as long as the process lives.
fn serve(page: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let length = page.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(page.as_bytes()));
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn the_example_page_prompts_stops_reconnects_and_shows_everything_once() {
    let page = serve(PAGE.replace("</script>\n", PERSON));
    let bridge = Bridge::start(Options::fault_agent(&[]).arg("--allow-origin").arg(&page));
    let profile = tempfile::tempdir().expect("a temporary directory");
    let _browser = Browser::open(&format!("{page}/?bridge={}", bridge.address), profile.path());

    let client = api::connect(&format!("http://{}", bridge.address)).await.unwrap();
    let session = tokio::time::timeout(DEADLINE, async {
        loop {
            let page = client.session_list(None, None, None).await.unwrap();
            if let Some(session) = page.sessions.into_iter().next() {
                return session.session;
            }
            tokio::task::yield_now().await;
        }
    });
    let session = session.await.expect("the page starts a session");
    let mut follow = Follow::new(client, session, 0);
    let (mut prompts, mut ends): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    let reported = async {
        loop {
            let Event::Records(records) = follow.next().await.unwrap() else { continue };
            for record in records {
                match record.kind {
                    Kind::TurnEnded => ends.push(record.decode::<Outcome>().unwrap().name()),
                    Kind::PromptQueued => {
                        let queued = record.decode::<PromptQueued>().unwrap();
                        let block = queued.params.as_raw().member("prompt").unwrap().elements().next().unwrap();
                        prompts.push(block.member("text").unwrap().as_string().unwrap().into_owned());
                        assert!(queued.key.is_some());
                    }
                    _ => {}
                }
                if let Some(report) = prompts.last().and_then(|prompt| prompt.strip_prefix("echo report ")) {
                    return report.to_owned();
                }
            }
        }
    };
    let report = tokio::time::timeout(DEADLINE, reported).await.expect("the page's report");
    assert_eq!(prompts[..3], ["echo first", "wait", "echo second"]);
    assert_eq!(ends, ["completed", "cancelled", "completed"]);
    // The page's input field has no room for line ends.
    for (text, times) in
        [("> echo firstfirst", 1), ("> wait", 1), ("[cancelled]", 1), ("> echo secondsecond", 1), ("[completed]", 2)]
    {
        assert_eq!(report.matches(text).count(), times, "{text:?} in {report:?}");
    }
}
