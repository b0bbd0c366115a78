#[test]
fn show() {
    use crate::report::{present, sample};
    let r = sample::report(vec![
        sample::answered("captures/proj1_part1.pcap"),
        sample::unanswered("captures/proj1_part2.pcap"),
    ]);
    let d = present::document(&r);
    let mut o = vec![];
    super::terminal::terminal(&d, 80, false, &mut o).unwrap();
    std::fs::write("/tmp/views/o80.txt", &o).unwrap();
    let mut o = vec![];
    super::terminal::terminal(&d, 200, true, &mut o).unwrap();
    std::fs::write("/tmp/views/o200.txt", &o).unwrap();
    let mut o = vec![];
    super::markdown::markdown(&d, &mut o).unwrap();
    std::fs::write("/tmp/views/o.md", &o).unwrap();
}
