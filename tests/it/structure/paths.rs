//! Just enough of Rust's grammar to find the paths that a source text names.

/// The text with comments and literals blanked out: what is left are names and signs.
pub fn code(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let skip = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest, '"'),
            '\'' if is_char_literal(rest) => quoted(rest, '\''),
            'r' | 'b' | 'c' if !is_name(before) => prefixed_literal(rest),
            _ => 0,
        };
        if skip > 0 {
            code.push(' ');
            before = ' ';
            rest = &rest[skip..];
        } else {
            code.push(c);
            before = c;
            rest = &rest[c.len_utf8()..];
        }
    }
    code
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of the block comment, with those inside it, that the text begins with.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of the literal in quotes, escapes minded, that the text begins with.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character, not a lifetime: `'\…'`, or a quote two characters on.
fn is_char_literal(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}

/// Length of a literal such as `r#"…"#`, `b"…"` or `b'x'`; 0 where the text begins with a name.
fn prefixed_literal(text: &str) -> usize {
    let prefix = text.len() - text.trim_start_matches(['r', 'b', 'c']).len();
    let rest = &text[prefix..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    match rest[hashes..].chars().next() {
        Some('"') if text[..prefix].contains('r') => {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = prefix + hashes + 1;
            text[body..]
                .find(&end)
                .map_or(text.len(), |at| body + at + end.len())
        }
        Some(quote @ ('"' | '\'')) if hashes == 0 && (quote == '"' || is_char_literal(rest)) => {
            prefix + quoted(rest, quote)
        }
        _ => 0,
    }
}

/// Code without the items that stand under `#[cfg(test)]`.
pub fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[item(rest)..];
    }
    kept + rest
}

/// Length of the item that the code begins with: to its `;`, or to the end of its braces.
fn item(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && (c == ';' || c == '}') {
            return at + 1;
        }
    }
    code.len()
}

/// Names, `::`, and single signs.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(c) = rest.chars().next() {
        let len = match c {
            _ if rest.starts_with("::") => 2,
            c if is_name(c) => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        tokens.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    tokens
}

fn is_word(token: &str) -> bool {
    token.starts_with(is_name)
}

/// Every path of more than one name in the code, and every name that a `use` brings in: braces
/// expanded, a leading `::` and `as` names left out.
pub fn paths_in(code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            at = tree(&tokens, at + 1, "", &mut found);
        } else if is_word(tokens[at]) && tokens.get(at + 1) == Some(&"::") {
            at = tree(&tokens, at, "", &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads a path, or a tree of paths in braces, that begins at token `at`; returns the token after it.
fn tree(tokens: &[&str], mut at: usize, prefix: &str, found: &mut Vec<String>) -> usize {
    let mut path = prefix.to_owned();
    while let Some(token) = tokens.get(at) {
        match *token {
            "::" => {}
            "{" => return branches(tokens, at + 1, &path, found),
            token if is_word(token) || token == "*" => {
                if token != "self" || path.is_empty() {
                    path = if path.is_empty() {
                        token.to_owned()
                    } else {
                        format!("{path}::{token}")
                    };
                }
                if tokens.get(at + 1) != Some(&"::") {
                    found.push(path);
                    return at + 1;
                }
            }
            // Generic arguments after `::`, or the end of a list: the path ends before.
            _ => break,
        }
        at += 1;
    }
    if path != prefix {
        found.push(path);
    }
    at
}

/// The trees of a list in braces; `at` is the token after its opening brace.
fn branches(tokens: &[&str], mut at: usize, path: &str, found: &mut Vec<String>) -> usize {
    while let Some(token) = tokens.get(at) {
        at = match *token {
            "}" => return at + 1,
            // A new name stands after `as`, and is no path.
            "as" => at + 2,
            "," => at + 1,
            _ => tree(tokens, at, path, found).max(at + 1),
        };
    }
    at
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = r##"/// [`crate::x`]
        /* a /* b */ crate::c */ let s = "crate::d \" crate::e"; let r = r#"" crate::f"#; let c = '"';
        let b = b"crate::g"; fn f<'a>(x: &'a str) { crate::h() } let q = b'\''; let t = "";"##;
    assert_eq!(paths_in(&code(text)), ["crate::h"]);
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let found = |text| paths_in(&code(text));
    assert_eq!(
        found("use a::{self, b::{c as d, e}, f::*}; use g;"),
        ["a", "a::b::c", "a::b::e", "a::f::*", "g"]
    );
    assert_eq!(found("use {h, i::j};"), ["h", "i::j"]);
    assert_eq!(
        found("fn f(x: ::k::L) -> m::N { o::p::<q::R>(); s }"),
        ["k::L", "m::N", "o::p", "q::R"]
    );
    assert_eq!(
        found("pub use e::x as y;\nimpl a::B for C {}"),
        ["e::x", "a::B"]
    );
}

#[test]
fn items_of_tests_are_left_out() {
    let text =
        "use a::b; #[cfg(test)] mod tests { fn f() { c::d() } } #[cfg(test)] use e::f; use g::h;";
    assert_eq!(paths_in(&without_tests(&code(text))), ["a::b", "g::h"]);
}
