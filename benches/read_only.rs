//! What reading alone costs: read(2) into one buffer of 1 MiB, to the end.

use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut all = 0;
    for path in std::env::args_os().skip(1) {
        let mut file = std::fs::File::open(path)?;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => all += read,
            }
        }
    }
    println!("{all}");
    Ok(())
}
