//! Builds containers byte by byte, for these tests and those of the whole program.

/// Writes numbers in one byte order.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub big: bool,
}

pub const BOTH: [Order; 2] = [Order { big: false }, Order { big: true }];

impl Order {
    pub fn u16(self, value: u16) -> [u8; 2] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    pub fn u32s(self, values: &[u32]) -> Vec<u8> {
        let bytes = values.iter().flat_map(|value| {
            if self.big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        });
        bytes.collect()
    }

    /// A pcapng block.
    pub fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(12 + body.len().next_multiple_of(4)).unwrap();
        let mut out = self.u32s(&[kind, len]);
        out.extend(body);
        out.resize(len as usize - 4, 0);
        out.extend(self.u32s(&[len]));
        out
    }

    pub fn section(self) -> Vec<u8> {
        let mut body = self.u32s(&[0x1a2b_3c4d]);
        body.extend(self.u16(1));
        body.extend(self.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut out = self.u16(code).to_vec();
        out.extend(self.u16(u16::try_from(value.len()).unwrap()));
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    pub fn interface(self, link_type: u16, snap_len: u32, options: &[u8]) -> Vec<u8> {
        let mut body = self.u16(link_type).to_vec();
        body.extend([0, 0]);
        body.extend(self.u32s(&[snap_len]));
        body.extend(options);
        self.block(1, &body)
    }

    /// An enhanced packet block.
    pub fn packet(self, interface: u32, units: u64, wire_len: u32, data: &[u8]) -> Vec<u8> {
        let (high, low) = ((units >> 32) as u32, units as u32);
        let captured = u32::try_from(data.len()).unwrap();
        let mut body = self.u32s(&[interface, high, low, captured, wire_len]);
        body.extend(data);
        self.block(6, &body)
    }
}
