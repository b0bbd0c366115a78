//! The rule itself: the page's table, and Python's word for it.

use std::io::Write;
use std::process::{Command, Stdio};

use echotrace::echo::line::split_ending;
use echotrace::echo::transform::transform;

const PAGE: &str = include_str!("../../../docs/PROTOCOL.md");

fn answer(message: &[u8]) -> Vec<u8> {
    let (content, ending) = split_ending(message);
    let mut answer = Vec::new();
    transform(content, &mut answer);
    answer.extend_from_slice(ending);
    answer
}

/// The bytes that a cell of the table stands for.
fn bytes(cell: &str) -> Vec<u8> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Vec::new();
    }
    let code = cell
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .expect(cell);
    let mut bytes = Vec::new();
    let mut rest = code;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend(plain.bytes());
        let (byte, length) = match escape.as_bytes()[0] {
            b'r' => (vec![b'\r'], 1),
            b'n' => (vec![b'\n'], 1),
            b't' => (vec![b'\t'], 1),
            b'x' => (vec![u8::from_str_radix(&escape[1..3], 16).unwrap()], 3),
            b'u' => {
                let end = escape.find('}').unwrap();
                let code = u32::from_str_radix(&escape[2..end], 16).unwrap();
                (
                    char::from_u32(code).unwrap().to_string().into_bytes(),
                    end + 1,
                )
            }
            byte @ (b'\\' | b'|') => (vec![byte], 1),
            other => panic!("\\{} in {cell}", char::from(other)),
        };
        bytes.extend(byte);
        rest = &escape[length..];
    }
    bytes.extend(rest.bytes());
    bytes
}

#[test]
fn the_table_of_the_page_holds() {
    let table = PAGE
        .split("| message | answer | why |\n|---|---|---|\n")
        .nth(1)
        .expect("the table");
    let rows: Vec<&str> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() >= 25, "{} rows", rows.len());
    for row in rows {
        // an escaped bar is no border
        let hidden = row.replace("\\|", "\u{0}");
        let cells: Vec<String> = hidden
            .split('|')
            .map(|cell| cell.replace('\u{0}', "\\|"))
            .collect();
        assert_eq!(cells.len(), 5, "{row}");
        let expected = bytes(&cells[2]);
        let actual = answer(&bytes(&cells[1]));
        assert_eq!(
            actual,
            expected,
            "{row}: {}",
            String::from_utf8_lossy(&actual)
        );
    }
}

#[test]
fn for_ascii_python_agrees() {
    // every character, and lines of characters in no order (a linear congruence, so that a
    // failure comes again)
    let mut lines: Vec<Vec<u8>> = (0..128u8)
        .filter(|byte| *byte != b'\n')
        .map(|byte| vec![byte])
        .collect();
    let mut state = 1u32;
    for length in 0..200 {
        let line = (0..length).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match (state >> 24) as u8 & 0x7f {
                b'\n' => b' ',
                byte => byte,
            }
        });
        lines.push(line.collect());
    }
    let program = "import sys\nfor line in sys.stdin.buffer.read().decode('ascii').split('\\n'):\n \
                   sys.stdout.buffer.write(line[::-1].swapcase().encode() + b'\\n')";
    let mut python = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = lines.join(&b'\n');
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let mut of_ours = Vec::new();
    for line in &lines {
        transform(line, &mut of_ours);
        of_ours.push(b'\n');
    }
    assert_eq!(of_ours, output.stdout);
}
