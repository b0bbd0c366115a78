//! Sends numbered UDP datagrams to itself on the loopback, at a steady rate.
//!
//! `send PORT COUNT BYTES RATE`: each payload begins with its number, from 0, as eight bytes
//! in network order. RATE is in datagrams a second; 0 is as fast as one thread can. Says on
//! standard output how many were sent and in how many nanoseconds. Nobody reads them: the
//! socket that they arrive at is full at once, and the kernel drops what comes after.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// Bytes of a number.
const NUMBER: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Result<Vec<u64>, _> = std::env::args().skip(1).map(|it| it.parse()).collect();
    let Ok([port, count, bytes, rate]) = <[u64; 4]>::try_from(numbers?) else {
        return Err("usage: send PORT COUNT BYTES RATE".into());
    };
    let bytes = usize::try_from(bytes)?.max(NUMBER);
    let to = ("127.0.0.1", u16::try_from(port)?);
    // Held open so that no ICMP error answers each datagram.
    let _receiver = UdpSocket::bind(to)?;
    let sender = UdpSocket::bind(("127.0.0.1", 0))?;
    sender.connect(to)?;
    let mut payload = vec![0; bytes];
    let begun = Instant::now();
    for number in 0..count {
        if let Some(nanos) = (number * 1_000_000_000).checked_div(rate) {
            let due = begun + Duration::from_nanos(nanos);
            while Instant::now() < due {
                std::hint::spin_loop();
            }
        }
        payload[..NUMBER].copy_from_slice(&number.to_be_bytes());
        sender.send(&payload)?;
    }
    println!("{count} {}", begun.elapsed().as_nanos());
    Ok(())
}
