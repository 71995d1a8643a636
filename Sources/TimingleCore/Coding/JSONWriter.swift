/// A value that knows how it looks in JSON.
package protocol JSONWritable {
    func write(to writer: inout JSONWriter)
}

/// Writes JSON (RFC 8259) straight into bytes.
///
/// It sets the commas itself: a value or name that follows neither an opening bracket nor a colon gets one in front.
package struct JSONWriter: ~Copyable {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 256) {
        self.bytes.reserveCapacity(capacity)
    }

    /// The bytes of one value.
    package static func bytes(of value: some JSONWritable) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(value)
        return writer.bytes
    }

    /// The bytes of one object.
    package static func object(capacity: Int = 256, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: capacity)
        writer.object(body)
        return writer.bytes
    }

    private mutating func separate() {
        switch self.bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): break
        default: self.bytes.append(UInt8(ascii: ","))
        }
    }

    package mutating func object(_ body: (inout JSONWriter) -> Void) {
        self.separate()
        self.bytes.append(UInt8(ascii: "{"))
        body(&self)
        self.bytes.append(UInt8(ascii: "}"))
    }

    package mutating func array(_ body: (inout JSONWriter) -> Void) {
        self.separate()
        self.bytes.append(UInt8(ascii: "["))
        body(&self)
        self.bytes.append(UInt8(ascii: "]"))
    }

    /// A member's name; its value must follow.
    package mutating func name(_ name: String) {
        self.string(name)
        self.bytes.append(UInt8(ascii: ":"))
    }

    package mutating func value(_ value: some JSONWritable) { value.write(to: &self) }

    package mutating func field(_ name: String, _ value: some JSONWritable) {
        self.name(name)
        value.write(to: &self)
    }

    /// Leaves the member out when there is no value.
    package mutating func field(_ name: String, ifPresent value: (some JSONWritable)?) {
        guard let value else { return }
        self.field(name, value)
    }

    package mutating func field(_ name: String, object body: (inout JSONWriter) -> Void) {
        self.name(name)
        self.object(body)
    }

    package mutating func field(_ name: String, array body: (inout JSONWriter) -> Void) {
        self.name(name)
        self.array(body)
    }

    package mutating func null() { self.literal("null") }

    package mutating func integer(_ value: some BinaryInteger) {
        self.separate()
        self.bytes.append(contentsOf: String(value).utf8)
    }

    package mutating func literal(_ text: StaticString) {
        self.separate()
        // SAFETY: a literal lives for ever, and `utf8CodeUnitCount` is its length.
        self.bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        )
    }

    /// Bytes that are one JSON value already.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        self.separate()
        self.bytes.append(contentsOf: json)
    }

    package mutating func string(_ text: String) {
        self.separate()
        self.bytes.append(UInt8(ascii: "\""))
        var text = text
        // SAFETY: the buffer is read within the closure only.
        text.withUTF8 { buffer in
            var clean = 0
            for index in buffer.indices {
                let byte = buffer[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                self.bytes.append(contentsOf: buffer[clean..<index])
                self.escape(byte)
                clean = index + 1
            }
            self.bytes.append(contentsOf: buffer[clean...])
        }
        self.bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        self.bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): self.bytes.append(byte)
        case 0x08: self.bytes.append(UInt8(ascii: "b"))
        case 0x09: self.bytes.append(UInt8(ascii: "t"))
        case 0x0a: self.bytes.append(UInt8(ascii: "n"))
        case 0x0c: self.bytes.append(UInt8(ascii: "f"))
        case 0x0d: self.bytes.append(UInt8(ascii: "r"))
        default:
            self.bytes.append(contentsOf: [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0")])
            for digit in [byte >> 4, byte & 0x0f] {
                self.bytes.append(digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a"))
            }
        }
    }
}

extension String: JSONWritable {
    package func write(to writer: inout JSONWriter) { writer.string(self) }
}

extension Int: JSONWritable {
    package func write(to writer: inout JSONWriter) { writer.integer(self) }
}

extension Int64: JSONWritable {
    package func write(to writer: inout JSONWriter) { writer.integer(self) }
}

extension Bool: JSONWritable {
    package func write(to writer: inout JSONWriter) { writer.literal(self ? "true" : "false") }
}

extension Double: JSONWritable {
    /// JSON has no word for infinity and for what is not a number: those become null.
    package func write(to writer: inout JSONWriter) {
        if self.isFinite { writer.raw("\(self)".utf8) } else { writer.null() }
    }
}

extension Timestamp: JSONWritable {
    package func write(to writer: inout JSONWriter) { writer.string(self.description) }
}

extension Identifier128: JSONWritable {
    package func write(to writer: inout JSONWriter) { writer.string(self.description) }
}

extension Optional: JSONWritable where Wrapped: JSONWritable {
    package func write(to writer: inout JSONWriter) {
        if let self { self.write(to: &writer) } else { writer.null() }
    }
}

extension Array: JSONWritable where Element: JSONWritable {
    package func write(to writer: inout JSONWriter) {
        writer.array { writer in
            for element in self { element.write(to: &writer) }
        }
    }
}

extension Dictionary: JSONWritable where Key == String, Value: JSONWritable {
    /// In the order of the names, so that equal dictionaries look equal.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            for (name, value) in self.sorted(by: { $0.key < $1.key }) { writer.field(name, value) }
        }
    }
}

extension JSONValue: JSONWritable {
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): value.write(to: &writer)
        case .integer(let value): value.write(to: &writer)
        case .number(let value): value.write(to: &writer)
        case .string(let value): value.write(to: &writer)
        case .array(let value): value.write(to: &writer)
        case .object(let value): value.write(to: &writer)
        }
    }
}
