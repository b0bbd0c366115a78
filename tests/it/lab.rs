//! The whole way: `server` and `client` talk, `capture` records them, `analyze` answers, and
//! tshark, reading the same file, must agree. Ports, texts and names are new in each run.
//! Needs root, ip, nft, python3, tshark and tcpdump; fails without them.

mod agree;
mod bridge;
mod hosts;
mod odd;
mod order;
mod recorders;
mod records;
mod report;
mod stored;
mod talk;
mod wire;
