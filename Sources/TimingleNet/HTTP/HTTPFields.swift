/// The fields of a message (RFC 9110 section 5): case-insensitive names, order kept, repeats allowed.
///
/// A value.
///
/// Those of a request are byte ranges into its head, and become strings only where someone asks.
package struct HTTPFields: Sendable {
    private enum Storage: Sendable {
        case received(HTTPFieldBlock)
        case built([Field])
    }

    private struct Field: Sendable {
        var name: String
        var value: String
    }

    private var storage: Storage

    package init() { self.storage = .built([]) }

    /// Reads the fields of a request's head.
    init(_ block: HTTPFieldBlock) { self.storage = .received(block) }

    package var count: Int {
        switch self.storage {
        case .received(let block): block.lines.count
        case .built(let fields): fields.count
        }
    }

    /// The field's value, repeats joined by ", "; setting replaces them all, nil removes them.
    package subscript(name: String) -> String? {
        get {
            switch self.storage {
            case .received(let block):
                var result: String?
                for line in block.lines where block.name(line, equals: name) {
                    let value = block.value(line)
                    result = result.map { "\($0), \(value)" } ?? value
                }
                return result
            case .built(let fields):
                var result: String?
                for field in fields where asciiEqualsIgnoringCase(field.name.utf8, name.utf8) {
                    result = result.map { "\($0), \(field.value)" } ?? field.value
                }
                return result
            }
        }
        set {
            self.mutateFields { fields in
                fields.removeAll { asciiEqualsIgnoringCase($0.name.utf8, name.utf8) }
                if let newValue { fields.append(Field(name: name, value: newValue)) }
            }
        }
    }

    /// Each value of the field as it came, in order.
    package func values(_ name: String) -> [String] {
        switch self.storage {
        case .received(let block):
            block.lines.filter { block.name($0, equals: name) }.map { block.value($0) }
        case .built(let fields):
            fields.filter { asciiEqualsIgnoringCase($0.name.utf8, name.utf8) }.map(\.value)
        }
    }

    package func contains(_ name: String) -> Bool {
        switch self.storage {
        case .received(let block): block.lines.contains { block.name($0, equals: name) }
        case .built(let fields): fields.contains { asciiEqualsIgnoringCase($0.name.utf8, name.utf8) }
        }
    }

    /// Adds a field line after those that are there.
    package mutating func append(_ name: String, _ value: String) {
        self.mutateFields { $0.append(Field(name: name, value: value)) }
    }

    /// The comma-separated members of the field, trimmed, empty ones dropped.
    ///
    /// Not for values with quoted commas.
    package func members(_ name: String) -> [String] {
        self.values(name).flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).compactMap { member in
                let trimmed = member.trimmingHTTPWhitespace()
                return trimmed.isEmpty ? nil : String(Substring(trimmed))
            }
        }
    }

    /// True when the comma-separated field has `member`, compared without case.
    package func hasMember(_ name: String, _ member: String) -> Bool {
        self.contains(name) && self.members(name).contains { asciiEqualsIgnoringCase($0.utf8, member.utf8) }
    }

    /// Calls `body` for each field line in order.
    package func forEach(_ body: (_ name: String, _ value: String) throws -> Void) rethrows {
        switch self.storage {
        case .received(let block):
            for line in block.lines { try body(block.name(line), block.value(line)) }
        case .built(let fields):
            for field in fields { try body(field.name, field.value) }
        }
    }

    private mutating func mutateFields(_ body: (inout [Field]) -> Void) {
        var fields: [Field]
        switch self.storage {
        case .received(let block):
            fields = block.lines.map { Field(name: block.name($0), value: block.value($0)) }
        case .built(let built):
            fields = built
            self.storage = .built([])
        }
        body(&fields)
        self.storage = .built(fields)
    }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.storage = .built(elements.map { Field(name: $0.0, value: $0.1) })
    }
}

/// One copy of a head and where its field lines lie in it.
///
/// Immutable.
struct HTTPFieldBlock: Sendable {
    /// One field line: offsets into the head, names without the colon, values without outer whitespace.
    struct Line: Sendable, Equatable {
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32
    }

    var bytes: [UInt8]
    var lines: [Line]

    func name(_ line: Line, equals name: String) -> Bool {
        asciiEqualsIgnoringCase(self.bytes[Int(line.nameStart)..<Int(line.nameEnd)], name.utf8)
    }

    func name(_ line: Line) -> String {
        String(decoding: self.bytes[Int(line.nameStart)..<Int(line.nameEnd)], as: UTF8.self)
    }

    func value(_ line: Line) -> String {
        String(decoding: self.bytes[Int(line.valueStart)..<Int(line.valueEnd)], as: UTF8.self)
    }
}

/// Compares bytes, folding A-Z only.
@inline(__always)
func asciiEqualsIgnoringCase(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    var other = right.makeIterator()
    for byte in left {
        guard let otherByte = other.next(), asciiLowercased(byte) == asciiLowercased(otherByte) else { return false }
    }
    return true
}

@inline(__always)
func asciiLowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}

extension BidirectionalCollection where Element == UInt8 {
    /// Without SP and HTAB at both ends (RFC 9110's OWS; no other byte is whitespace here).
    func trimmingHTTPWhitespace() -> SubSequence {
        var result = self[...]
        while let first = result.first, first == 0x20 || first == 0x09 { result.removeFirst() }
        while let last = result.last, last == 0x20 || last == 0x09 { result.removeLast() }
        return result
    }
}
