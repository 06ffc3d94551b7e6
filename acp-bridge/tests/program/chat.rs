//! `acp-bridge chat` in a real terminal: a pseudo-terminal made by `script` of util-linux.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::support::screen::Screen;
use crate::support::{Bridge, Options};

struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Screen,
}

impl Terminal {
    fn chat(bridge: &Bridge) -> Self {
        // `exec`, because Ctrl-C goes to the whole foreground group: a shell that stays around would end by it.
        let command = format!("exec {} chat --url http://{}", env!("CARGO_BIN_EXE_acp-bridge"), bridge.address);
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux is needed");
        let keys = child.stdin.take().expect("a pipe");
        let screen = Screen::of(child.stdout.take().expect("a pipe"));
        Self { child, keys, screen }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("type");
        self.keys.flush().expect("type");
    }

    /// Waits until a text has come, and forgets the screen up to it.
    fn until(&mut self, text: &str) {
        self.screen.past(text);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_person_prompts_answers_stops_and_detaches() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut terminal = Terminal::chat(&bridge);
    terminal.until("> ");
    terminal.press("echo hello there\n");
    terminal.until("hello there\r\n");
    terminal.until("> ");
    terminal.press("ask\n");
    terminal.until("answer with a number: ");
    terminal.press("9\n");
    terminal.until("answer with a number from 1 to 2: ");
    terminal.press("1\n");
    terminal.until("chosen");
    terminal.until("> ");
    terminal.press("wait\n");
    terminal.until("waiting");
    terminal.press("\x03");
    terminal.until("[the turn was cancelled]");
    terminal.until("> ");
    terminal.press("\x04");
    terminal.until("detached");
    assert!(terminal.child.wait().expect("the end of chat").success());
}
