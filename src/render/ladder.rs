//! A sequence diagram in lines of text.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::document::{Arrow, Ladder};

/// Columns of a ladder; arrows across a whole wide screen are hard to follow.
const WIDEST: usize = 120;
/// Columns between the lifelines below which an arrow has no room for its label.
const NARROWEST: usize = 24;

/// The diagram in `width` columns, at most 120; wider where that is less than its margin and an
/// arrow need.
pub(super) fn lines(ladder: &Ladder, width: usize) -> Vec<String> {
    let margin = [0, 1].map(|column| {
        let cells = ladder
            .arrows
            .iter()
            .map(|arrow| arrow.margin[column].width());
        cells.max().unwrap_or_default()
    });
    // a space after each part of the margin, and two lifelines
    let taken = margin[0] + margin[1] + 2 + 2;
    let inside = width.min(WIDEST).saturating_sub(taken).max(NARROWEST);
    let blank = " ".repeat(margin[0] + margin[1] + 2);
    let mut lines = heads(&ladder.sides, &blank, inside);
    for arrow in &ladder.arrows {
        let [number, time] = &arrow.margin;
        let [first, second] = margin;
        lines.push(format!(
            "{number:>first$} {time:>second$} │{}│",
            shaft(arrow, inside)
        ));
        for text in &arrow.texts {
            lines.push(format!(
                "{blank}│{}│",
                beside(text, arrow.from_left, inside)
            ));
        }
    }
    lines
}

/// The names of both sides above their lifelines, on one line if they fit.
fn heads([left, right]: &[String; 2], blank: &str, inside: usize) -> Vec<String> {
    let all = inside + 2;
    let (left, right) = (cut(left, all), cut(right, all));
    let pad = |text: &str| " ".repeat(all.saturating_sub(text.width()));
    if left.width() + right.width() + 2 <= all {
        let between = " ".repeat(all.saturating_sub(left.width() + right.width()));
        return vec![format!("{blank}{left}{between}{right}")];
    }
    vec![
        format!("{blank}{left}"),
        format!("{blank}{}{right}", pad(&right)),
    ]
}

/// The arrow with its label near its tail.
fn shaft(arrow: &Arrow, inside: usize) -> String {
    let label = cut(&arrow.label, inside - 6);
    let dashes = "─".repeat(inside.saturating_sub(label.width() + 4));
    if arrow.from_left {
        format!("─ {label} {dashes}▶")
    } else {
        format!("◀{dashes} {label} ─")
    }
}

/// A text below an arrow, on its sender's side.
fn beside(text: &str, left: bool, inside: usize) -> String {
    let text = cut(text, inside - 4);
    let pad = " ".repeat(inside.saturating_sub(text.width() + 2));
    if left {
        format!("  {text}{pad}")
    } else {
        format!("{pad}{text}  ")
    }
}

/// As much as `most` columns hold, with an ellipsis where that is not all. Sequences of emoji
/// may be wider than their characters, so what is drawn after it may be, too.
fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |character: &char| {
        taken += character.width().unwrap_or_default();
        taken < most
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow(from_left: bool, label: &str, texts: &[&str]) -> Arrow {
        Arrow {
            margin: ["7".into(), "0.5".into()],
            from_left,
            label: label.into(),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    fn ladder() -> Ladder {
        let long = "x".repeat(200);
        Ladder {
            sides: ["10.0.0.1:4000".into(), "10.0.0.2:80".into()],
            arrows: vec![
                arrow(true, "SYN Seq=0", &[]),
                arrow(false, "ACK Seq=1 Len=2", &["“好”", "retransmission"]),
                arrow(true, &long, &[&long]),
            ],
        }
    }

    #[test]
    fn at_a_width() {
        let lines = lines(&ladder(), 39);
        assert_eq!(lines[0], "      10.0.0.1:4000         10.0.0.2:80");
        assert_eq!(lines[1], "7 0.5 │─ SYN Seq=0 ──────────────────▶│");
        assert_eq!(lines[2], "7 0.5 │◀──────────── ACK Seq=1 Len=2 ─│");
        assert_eq!(lines[3], "      │                         “好”  │");
        assert_eq!(lines[5], "7 0.5 │─ xxxxxxxxxxxxxxxxxxxxxxxx… ──▶│");
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        for width in [34, 39, 80, 200] {
            for line in lines(&ladder(), width) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }
}
