//! Protocol buffers: encoding of messages, field by field.

/// A protocol buffer message, with the field types that event files and ONNX use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.raw_varint(u64::from(field << 3 | wire_type));
    }

    /// Adds an integer; a negative one takes ten bytes.
    pub fn varint(mut self, field: u32, value: u64) -> Self {
        self.key(field, 0);
        self.raw_varint(value);
        self
    }

    /// Adds a double.
    pub fn double(mut self, field: u32, value: f64) -> Self {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds bytes or text.
    pub fn bytes(self, field: u32, bytes: &[u8]) -> Self {
        let mut this = self.header(field, bytes.len() as u64);
        this.0.extend(bytes);
        this
    }

    /// Adds a message.
    pub fn message(self, field: u32, message: &Message) -> Self {
        self.bytes(field, &message.0)
    }

    /// Adds key and length of a field whose bytes the caller writes after this message.
    pub fn header(mut self, field: u32, length: u64) -> Self {
        self.key(field, 2);
        self.raw_varint(length);
        self
    }

    /// Returns the encoded message.
    pub fn encoded(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(feature = "onnx")]
impl Message {
    /// Appends encoded fields.
    pub fn extend(&mut self, encoded: &[u8]) {
        self.0.extend(encoded);
    }
}
