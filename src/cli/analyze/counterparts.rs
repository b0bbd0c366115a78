//! Options of tshark and tcpdump that `analyze` has not, and what stands for them.

use super::super::usage::Counterparts;

const NAME_IT: &str = "name the captures as they are, without an option: analyze FILE";
const RECORDS: &str = "analyze only reads: `capture` records";
const NEVER_NAMES: &str = "leave it out: addresses and ports are never turned into names";
const PACKET: &str = "--packet N shows a packet in layers, fields and bytes";
const NO_FILTER: &str = "there is no filter: --conversation ID, --find PATTERN and --packet N choose, and \
     `tshark -r FILE -Y FILTER -w PART` makes a part of a capture";

pub(super) const COUNTERPARTS: &Counterparts = &[
    (
        "<FILE>...",
        "give captures or a folder of them; - is standard input",
    ),
    ("-r", NAME_IT),
    ("-n", NEVER_NAMES),
    ("-N", NEVER_NAMES),
    ("-Y", NO_FILTER),
    ("-R", NO_FILTER),
    ("-f", NO_FILTER),
    ("-i", RECORDS),
    ("-D", "`capture -D` lists the interfaces"),
    (
        "-w",
        "analyze writes no captures: `tshark -r FILE -w COPY` or editcap does",
    ),
    (
        "-c",
        "--limit N bounds what is shown; `editcap -r FILE PART 1-N` cuts a capture",
    ),
    ("-V", PACKET),
    ("-v", PACKET),
    ("-O", PACKET),
    ("-x", PACKET),
    ("-X", PACKET),
    (
        "-A",
        "--follow N shows the bytes of a conversation, --packet N those of a packet",
    ),
    ("-P", "--show packets is the packet list"),
    (
        "-T",
        "--show packets --format tsv -e FIELD,FIELD gives fields; --format json all",
    ),
    ("-E", "--format tsv has a header and tabs, as -E header=y"),
    ("-q", "leave it out: the report stands for the packets"),
    (
        "-z",
        "the report has the statistics; --follow N is follow,tcp",
    ),
    (
        "-t",
        "-e frame.time_epoch, frame.time_relative and others are the times",
    ),
    ("-o", "preferences are options of their own: see --help"),
    (
        "-d",
        "leave it out: every TCP port is read; --framing and --pair say how",
    ),
    ("-2", "leave it out: files are read once"),
];
