//! Traffic inside a namespace, bounded in count, made by plain Python.

use std::process::Command;

use super::{Namespace, must};

/// `exchange(here, port)` in Python, with `socket`, `sys` and `threading`: both ends of one TCP
/// conversation on `port`: a greeting, a line, its answer, and a close
/// from the client. Ends when both sides have seen the other's end.
pub const EXCHANGE: &str = "
import socket, sys, threading
def exchange(here, port):
    family = socket.AF_INET6 if ':' in here else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((here, port))
    listener.listen()
    def serve():
        peer, _ = listener.accept()
        peer.sendall(b'hello\\n')
        line = peer.recv(100)
        peer.sendall(line[-2::-1] + b'\\n')
        while peer.recv(100): pass
        peer.close()
    server = threading.Thread(target=serve)
    server.start()
    client = socket.create_connection((here, port))
    client.recv(100)
    client.sendall(b'abc\\n')
    client.recv(100)
    client.shutdown(socket.SHUT_WR)
    while client.recv(100): pass
    client.close()
    server.join()
";

/// Runs one TCP exchange inside, between two threads at `address`.
pub fn exchange(namespace: &Namespace, address: &str, port: u16) {
    let program = format!("{EXCHANGE}exchange(sys.argv[1], int(sys.argv[2]))");
    must(
        namespace
            .command("python3")
            .args(["-c", &program, address, &port.to_string()]),
    );
}

/// Asks for a TCP connection so many times where nobody listens: each is a SYN and a RST.
pub fn knock(namespace: &Namespace, address: &str, port: u16, times: u32) {
    let script = "
import socket, sys
for _ in range(int(sys.argv[3])):
    try: socket.create_connection((sys.argv[1], int(sys.argv[2])))
    except ConnectionRefusedError: pass
";
    let numbers = [port.to_string(), times.to_string()];
    must(
        namespace
            .command("python3")
            .args(["-c", script, address])
            .args(numbers),
    );
}

/// Sends UDP datagrams inside: so many, each so long.
pub fn datagrams(namespace: &Namespace, address: &str, port: u16, count: u32, bytes: u32) {
    let script = "
import socket, sys
here, port, count, size = sys.argv[1], *map(int, sys.argv[2:])
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind((here, port))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(count): sender.sendto(bytes(size), (here, port))
";
    let numbers = [u32::from(port), count, bytes].map(|number| number.to_string());
    must(
        namespace
            .command("python3")
            .args(["-c", script, address])
            .args(numbers),
    );
}

/// Sends UDP datagrams inside and deletes the interface they left by right after the last, by
/// netlink: no program is quick enough to be started in between.
pub fn datagrams_then_delete(namespace: &Namespace, interface: &str, to: &str, count: u32) {
    let script = "
import socket, struct, sys
interface, to, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
RTM_DELLINK, REQUEST_AND_ACK = 17, 5
index = socket.if_nametoindex(interface)
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(count): sender.sendto(b'last words', (to, 9))
head = struct.pack('=IHHII', 32, RTM_DELLINK, REQUEST_AND_ACK, 1, 0)
netlink.send(head + struct.pack('=BxHiII', 0, 0, index, 0, 0))
assert struct.unpack('=i', netlink.recv(1000)[16:20])[0] == 0
";
    let count = count.to_string();
    must(
        namespace
            .command("python3")
            .args(["-c", script, interface, to, &count]),
    );
}

/// Starts a sender of numbered UDP datagrams inside: each begins with its number, from 0, in
/// eight bytes, and is so long; a pause of so many milliseconds after every hundred.
pub fn numbered(
    namespace: &Namespace,
    address: &str,
    (port, count): (u16, u32),
    bytes: u32,
    pause_ms: u32,
) -> Command {
    let script = "
import socket, sys, time
here, port, count, size, pause = sys.argv[1], *map(int, sys.argv[2:])
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind((here, port))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.connect((here, port))
rest = bytes(size - 8)
print('sending', file=sys.stderr, flush=True)
for number in range(count):
    sender.send(number.to_bytes(8, 'big') + rest)
    if pause and number % 100 == 99: time.sleep(pause / 1000)
";
    let numbers = [u32::from(port), count, bytes, pause_ms].map(|number| number.to_string());
    let mut command = namespace.command("python3");
    command.args(["-c", script, address]).args(numbers);
    command
}
