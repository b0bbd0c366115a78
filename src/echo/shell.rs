//! Text as a shell reads it back.

use super::escape::is_unsafe;

/// Text as one word of a shell. What could steer a terminal stands as octal numbers, which
/// printf turns back.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if !text.chars().any(is_unsafe) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let mut format = String::new();
    for character in text.chars() {
        match character {
            '\'' => format.push_str("'\\''"),
            '\\' => format.push_str("\\\\"),
            '%' => format.push_str("%%"),
            _ if is_unsafe(character) => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    format.push_str(&format!("\\{byte:03o}"));
                }
            }
            _ => format.push(character),
        }
    }
    format!("\"$(printf '{format}')\"")
}

#[cfg(test)]
mod tests {
    use std::process::Command as Process;

    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in [
            "a.pcap",
            "",
            "two words",
            "it's",
            "$(touch x)`id`\"\\!*?~#&;|<>",
            "-r",
            "a\u{1b}[2J'%s\\n\u{202e}\tb",
            "line\nfeed",
            "日本",
        ] {
            let words = quoted(text);
            assert!(!words.chars().any(is_unsafe), "{words:?}");
            let output = Process::new("sh")
                .arg("-c")
                .arg(format!("printf '%s' {words}"))
                .output()
                .expect("a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), text, "{words}");
        }
    }
}
