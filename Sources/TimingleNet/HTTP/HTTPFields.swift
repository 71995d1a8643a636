/// The fields of a message (RFC 9110 section 5): case-insensitive names, order kept, repeats allowed.
///
/// A value.
///
/// Those of a request are byte ranges into its head, and become strings only where someone asks.
package struct HTTPFields: Sendable {
    /// The bytes and where the lines lie in them, for parser and encoder.
    var block: HTTPFieldBlock

    package init() { self.block = HTTPFieldBlock() }

    /// Reads the fields of a request's head.
    init(_ block: HTTPFieldBlock) { self.block = block }

    package var count: Int { self.block.lines.count }

    /// The field's value, repeats joined by ", "; setting replaces them all, nil removes them.
    package subscript(name: String) -> String? {
        get {
            var result: String?
            for line in self.block.lines where self.block.name(line, equals: name) {
                let value = self.block.value(line)
                result = result.map { "\($0), \(value)" } ?? value
            }
            return result
        }
        set {
            if self.contains(name) { self.block.removeAll(named: name) }
            if let newValue { self.block.append(name, newValue) }
        }
    }

    /// Each value of the field as it came, in order.
    package func values(_ name: String) -> [String] {
        self.block.lines.filter { self.block.name($0, equals: name) }.map { self.block.value($0) }
    }

    package func contains(_ name: String) -> Bool {
        guard self.block.mayHaveNames(HTTPFieldBlock.NameLengths(name.utf8.count)) else { return false }
        return self.block.lines.contains { self.block.name($0, equals: name) }
    }

    /// Adds a field line after those that are there.
    ///
    /// A name that is no token is our own bug and traps; control characters in the value become spaces.
    package mutating func append(_ name: String, _ value: String) { self.block.append(name, value) }

    /// Says by Vary that the answer hangs on that field of the request, too (RFC 9110 section 12.5.5).
    package mutating func vary(on field: String) {
        guard self.contains("Vary"), let value = self["Vary"] else { return self.append("Vary", field) }
        if !self.hasMember("Vary", field), !self.hasMember("Vary", "*") { self["Vary"] = "\(value), \(field)" }
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
        guard self.block.mayHaveNames(HTTPFieldBlock.NameLengths(name.utf8.count)) else { return false }
        return self.block.lines.contains { line in
            self.block.name(line, equals: name) && self.block.value(line, hasMember: member)
        }
    }

    /// Calls `body` for each field line in order.
    package func forEach(_ body: (_ name: String, _ value: String) throws -> Void) rethrows {
        for line in self.block.lines { try body(self.block.name(line), self.block.value(line)) }
    }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { self.block.append(name, value) }
    }
}

/// Bytes, a copied head or lines that we made, and where the field lines lie in them.
///
/// A value.
struct HTTPFieldBlock: Sendable {
    /// One field line: offsets into the bytes, names without the colon, values without outer whitespace.
    struct Line: Sendable, Equatable {
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32
    }

    /// Lines in memory that is made once: to forget them is to set their number.
    struct Lines: RandomAccessCollection, Equatable, Sendable {
        private var room: [Line] = []
        private(set) var count = 0

        init() {}

        var startIndex: Int { 0 }
        var endIndex: Int { self.count }

        subscript(index: Int) -> Line {
            get {
                precondition(index < self.count)
                return self.room[index]
            }
            set {
                precondition(index < self.count)
                self.room[index] = newValue
            }
        }

        mutating func append(_ line: Line) {
            if self.count < self.room.count {
                self.room[self.count] = line
            } else {
                if self.count == 0 { self.room.reserveCapacity(4) }
                self.room.append(line)
            }
            self.count += 1
        }

        mutating func removeAll() { self.count = 0 }

        mutating func removeAll(where isRemoved: (Line) -> Bool) {
            self.room = self.filter { !isRemoved($0) }
            self.count = self.room.count
        }

        static func == (left: Lines, right: Lines) -> Bool { left.elementsEqual(right) }
    }

    /// What the lines lie in; bytes that none of them names may be left from before.
    var bytes: [UInt8] = []
    var lines = Lines()
    /// True while `bytes` are the lines as they are sent, in their order and nothing else.
    private(set) var isWireForm = true
    /// How long the names are, while in wire form: most fields of an answer are told from others by that alone.
    private var nameLengths: NameLengths = []

    /// A set of the lengths of names; all beyond 31 are one.
    struct NameLengths: OptionSet, Sendable {
        let rawValue: UInt32
        init(rawValue: UInt32) { self.rawValue = rawValue }
        init(_ length: Int) { self.rawValue = 1 &<< UInt32(min(length, 31)) }
    }

    /// False where no name has one of these lengths.
    func mayHaveNames(_ lengths: NameLengths) -> Bool {
        !self.isWireForm || !self.nameLengths.isDisjoint(with: lengths)
    }

    /// Takes the bytes of a head, to which `lines` refer.
    mutating func fill(_ head: Span<UInt8>) {
        self.isWireForm = false
        head.withUnsafeBufferPointer { head in
            guard self.bytes.count >= head.count else {
                self.bytes = Array(head)
                return
            }
            self.bytes.withUnsafeMutableBufferPointer { room in
                _ = room.update(fromContentsOf: head)
            }
        }
    }

    /// Forgets the lines and keeps the memory.
    mutating func clear() {
        self.lines.removeAll()
        // Bytes are left that must not be sent.
        self.isWireForm = false
    }

    mutating func removeAll(named name: String) {
        let old = self
        self.lines.removeAll(where: { old.name($0, equals: name) })
        self.isWireForm = false
    }

    @inline(__always)
    func withName<Result>(_ line: Line, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        self.bytes.withUnsafeBufferPointer { bytes in
            body(UnsafeBufferPointer(rebasing: bytes[Int(line.nameStart)..<Int(line.nameEnd)]))
        }
    }

    func name(_ line: Line, equals name: String) -> Bool {
        guard name.utf8.count == Int(line.nameEnd - line.nameStart) else { return false }
        return self.bytes.withUnsafeBufferPointer { bytes in
            let own = UnsafeBufferPointer(rebasing: bytes[Int(line.nameStart)..<Int(line.nameEnd)])
            return name.utf8.withContiguousStorageIfAvailable { asciiEqualsIgnoringCase(own, $0) }
                ?? asciiEqualsIgnoringCase(own, name.utf8)
        }
    }

    func value(_ line: Line, hasMember member: String) -> Bool {
        let bytes = self.bytes
        let value = bytes.span.extracting(Int(line.valueStart)..<Int(line.valueEnd))
        var index = 0
        while let range = value.nextMember(from: &index) {
            let isSame = value.extracting(range).withUnsafeBufferPointer { asciiEqualsIgnoringCase($0, member.utf8) }
            if isSame { return true }
        }
        return false
    }

    /// Calls `body` for each field line in order, with its bytes where they lie.
    @inline(__always)
    func forEachLine(_ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) -> Void) {
        let bytes = self.bytes
        for line in self.lines {
            body(
                bytes.span.extracting(Int(line.nameStart)..<Int(line.nameEnd)),
                bytes.span.extracting(Int(line.valueStart)..<Int(line.valueEnd))
            )
        }
    }

    func name(_ line: Line) -> String { self.text(line.nameStart, line.nameEnd) }

    func value(_ line: Line) -> String { self.text(line.valueStart, line.valueEnd) }

    private func text(_ start: UInt32, _ end: UInt32) -> String {
        self.bytes.withUnsafeBufferPointer { bytes in
            String(decoding: UnsafeBufferPointer(rebasing: bytes[Int(start)..<Int(end)]), as: UTF8.self)
        }
    }

    /// Adds a line, so that what is in here may be sent as it is.
    mutating func append(_ name: String, _ value: String) {
        precondition(
            !name.isEmpty && name.utf8.allSatisfy(HTTPByteClass.isToken),
            "a field's name is no token: \(name)"
        )
        if self.lines.isEmpty {
            self.bytes.reserveCapacity(self.bytes.count + max(128, name.utf8.count + value.utf8.count + 4))
        }
        let nameStart = UInt32(self.bytes.count)
        self.bytes.append(contentsOf: name.utf8)
        let nameEnd = UInt32(self.bytes.count)
        self.bytes.append(UInt8(ascii: ":"))
        self.bytes.append(UInt8(ascii: " "))
        let valueStart = self.bytes.count
        self.bytes.append(contentsOf: value.utf8)
        // Values may carry what a peer sent: a control character must not end the line.
        for index in valueStart..<self.bytes.count where !HTTPByteClass.isFieldValue(self.bytes[index]) {
            self.bytes[index] = UInt8(ascii: " ")
        }
        let line = Line(
            nameStart: nameStart,
            nameEnd: nameEnd,
            valueStart: UInt32(valueStart),
            valueEnd: UInt32(self.bytes.count)
        )
        self.lines.append(line)
        self.nameLengths.insert(NameLengths(name.utf8.count))
        self.bytes.append(UInt8(ascii: "\r"))
        self.bytes.append(UInt8(ascii: "\n"))
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
