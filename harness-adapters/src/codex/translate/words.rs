//! Command lines as words, and words as command lines, exactly or not at all.
//!
//! Codex tells a command as one line, its words quoted for a POSIX shell. A person who allows a command has to see the very
//! command that runs, so nothing is guessed here: a line that could mean anything else is shown as it came.

use std::borrow::Cow;

/// The shells whose `-c` is left out, by their names.
const SHELLS: [&str; 4] = ["bash", "sh", "zsh", "dash"];
/// Directories of the system's shells. A program with such a name in another directory may do anything.
const DIRECTORIES: [&str; 5] = ["", "/bin/", "/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/"];

/// The command without the shell around it, such as the script of `/bin/bash -lc 'script'`; or all of it, where that is
/// not exactly what a shell of the system runs.
pub(super) fn unwrapped(command: &str) -> Cow<'_, str> {
    match split(command).as_deref() {
        Some([shell, flag, script]) if is_shell(shell) && matches!(flag.as_str(), "-c" | "-lc") => {
            Cow::Owned(script.clone())
        }
        _ => Cow::Borrowed(command),
    }
}

fn is_shell(program: &str) -> bool {
    DIRECTORIES.iter().any(|directory| program.strip_prefix(directory).is_some_and(|name| SHELLS.contains(&name)))
}

/// The words of a line that holds nothing but words: no operator, expansion, comment or pattern. `None` otherwise.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(next) = rest.next() {
        match next {
            ' ' => words.extend(word.take()),
            '\'' => {
                let (inside, after) = rest.as_str().split_once('\'')?;
                word.get_or_insert_default().push_str(inside);
                rest = after.chars();
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '$' | '`' | '!' => return None,
                        '\\' => match rest.next()? {
                            escaped @ ('"' | '$' | '`' | '\\') => word.push(escaped),
                            '\n' => {}
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            '\\' => match rest.next()? {
                '\n' => return None,
                escaped => word.get_or_insert_default().push(escaped),
            },
            plain if is_plain(plain) => word.get_or_insert_default().push(plain),
            _ => return None,
        }
    }
    words.extend(word);
    Some(words)
}

/// True for a letter that stands for itself everywhere.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "%+,-./:=@_".contains(letter)
}

/// Words as one line, from which they can be told apart again.
pub(super) fn join(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> Cow<'_, str> {
    if !word.is_empty() && word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_shell_around_a_command_is_left_out() {
        for (command, expected) in [
            ("/bin/bash -lc 'touch a'", "touch a"),
            ("/bin/bash -lc ls", "ls"),
            (r#"bash -c "echo \"hi\" \$HOME""#, r#"echo "hi" $HOME"#),
            (r"sh -c 'echo '\''a'\'''", "echo 'a'"),
            (r#"zsh -lc "it's"" and""#, "it's and"),
            (r"/usr/bin/zsh -lc a\ b", "a b"),
            ("/bin/sh -c ''", ""),
        ] {
            assert_eq!(unwrapped(command), expected, "{command}");
        }
    }

    #[test]
    fn what_may_mean_something_else_stays_whole() {
        for command in [
            "make all",
            "python3 -c pass",
            "/tmp/evil/bash -lc ls",
            "./bash -lc ls",
            "/bin/../tmp/bash -lc ls",
            "bash -lc ls -x",
            "bash -xc ls",
            "bash -lc 'ls' 'rm -rf /'",
            "bash -lc 'ls'; rm -rf /",
            "bash -lc ls&rm",
            "bash -lc $(rm)",
            r#"bash -lc "$(rm)""#,
            r#"bash -lc "`rm`""#,
            "bash -lc ~",
            "bash -lc *",
            "bash -lc 'open",
            r#"bash -lc "open"#,
            "bash -lc #x",
            "bash -lc\nls",
            "bash\t-lc ls",
            "X=1 bash -lc ls",
            "",
        ] {
            assert_eq!(unwrapped(command), command, "{command}");
        }
    }

    proptest! {
        #[test]
        fn words_that_are_joined_are_the_same_when_split(words in prop::collection::vec(any::<String>(), 0..6)) {
            prop_assert_eq!(split(&join(&words)), Some(words));
        }

        #[test]
        fn no_line_panics(line in any::<String>()) {
            let _ = unwrapped(&line);
        }
    }
}
