//! What was made: what a report about the capture must say.

/// Sums over all conversations; of two numbers, the first is to the server.
#[derive(Default)]
pub struct Made {
    pub packets: u64,
    pub conversations: u64,
    messages: [u64; 2],
    sent_again: u64,
    /// As the headers claim it, what is sent again included.
    payload_bytes: [u64; 2],
    /// Each byte once.
    stream_bytes: [u64; 2],
    /// The sum of the conversations' `messages.digest`: in whatever order they are added.
    digest: u64,
}

/// How far a conversation's messages are, in each direction.
#[derive(Default)]
pub struct Sent {
    messages: [u64; 2],
    bytes: [u64; 2],
}

impl Made {
    /// A message, whole in the packet that was made last.
    pub fn message(&mut self, sent: &mut Sent, side: usize, length: usize) {
        let length = length as u64;
        let (number, offset) = (sent.messages[side], sent.bytes[side]);
        let frame = self.packets;
        let hash = digest([number, offset, length, frame, frame], side as u8);
        self.digest = self.digest.wrapping_add(hash);
        sent.messages[side] += 1;
        sent.bytes[side] += length;
        self.messages[side] += 1;
        self.payload_bytes[side] += length;
        self.stream_bytes[side] += length;
    }

    /// The same bytes once more: the message is where it was first.
    pub fn again(&mut self, side: usize, length: usize) {
        self.sent_again += 1;
        self.payload_bytes[side] += length as u64;
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        let [to_server, to_client] = self.messages;
        let fields = [
            ("packets", self.packets),
            ("conversations", self.conversations),
            ("to_server", to_server),
            ("to_client", to_client),
            ("sent_again", self.sent_again),
            ("payload_bytes_to_server", self.payload_bytes[0]),
            ("payload_bytes_to_client", self.payload_bytes[1]),
            ("stream_bytes_to_server", self.stream_bytes[0]),
            ("stream_bytes_to_client", self.stream_bytes[1]),
        ];
        let fields = fields.map(|(name, value)| format!("\"{name}\": {value}, "));
        format!(
            "{{{}\"digest\": \"{:016x}\"}}",
            fields.concat(),
            self.digest
        )
    }
}

/// FNV-1a of a message's row in the ledger, as analyze defines it: number, offset, length, first
/// and last frame, each of eight bytes, the lowest first; then the direction.
fn digest(row: [u64; 5], side: u8) -> u64 {
    let bytes = row.into_iter().flat_map(u64::to_le_bytes).chain([side]);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
