//! Options of tcpdump, dumpcap and tshark that `capture` has not, and what stands for them.

use super::super::usage::Counterparts;

const NEVER_NAMES: &str = "leave it out: addresses and ports are never turned into names";
const READS: &str = "capture only records: `analyze FILE` reads a capture";
const SHOWS: &str =
    "write a file with -w, and `analyze --packet N FILE` shows a packet in layers and bytes";
const TIMES: &str = "leave it out: lines have times in UTC, with nine digits";

pub(super) const COUNTERPARTS: &Counterparts = &[
    ("-n", NEVER_NAMES),
    ("-N", NEVER_NAMES),
    ("-r", READS),
    ("-R", READS),
    (
        "-Y",
        "a display filter is for reading; give FILTER here, as in pcap-filter(7): 'tcp port 80'",
    ),
    ("-f", "write FILTER as it is, without an option before it"),
    ("-v", SHOWS),
    ("-V", SHOWS),
    ("-e", SHOWS),
    ("-x", SHOWS),
    ("-X", SHOWS),
    ("-A", SHOWS),
    ("-O", SHOWS),
    ("-T", SHOWS),
    ("-t", TIMES),
    ("-G", "-b duration:SECS begins a further file after so long"),
    ("-C", "-b filesize:kB begins a further file at that size"),
    (
        "-W",
        "-b files:N keeps the latest N files, -a files:N ends after N",
    ),
    ("-p", "leave it out: promiscuous mode is never switched on"),
    (
        "-I",
        "monitor mode is not switched on: do that with `iw`, then give the interface with -i",
    ),
    ("-U", "leave it out: packets are written as they come"),
    (
        "-P",
        "leave -w out to see a line for each packet; -Q gives a direction",
    ),
    (
        "-j",
        "leave it out: times are the kernel's, in nanoseconds; --micro makes them shorter",
    ),
    (
        "-J",
        "leave it out: times are the kernel's, in nanoseconds; --micro makes them shorter",
    ),
    (
        "-y",
        "leave it out: `any` is SLL2, which names the interface, else the interface's own",
    ),
    ("-L", "a capture says at its start which link type it has"),
    ("-d", "`tcpdump -d FILTER` shows a compiled filter"),
    (
        "-E",
        "nothing is decrypted: Wireshark can, from a file that -w wrote",
    ),
    ("-#", "leave it out: -q leaves the counters out"),
    (
        "-S",
        "the live line on a terminal and --stats-json tell the counters",
    ),
];
