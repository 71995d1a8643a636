/// Bytes that are gathered in memory which is made once: to write is to copy, no more.
///
/// A value. An array that grows by each part of a head would check for room and for a second owner each time.
struct HTTPOutputBuffer {
    /// All of it is room; what was written is in front.
    private var storage: [UInt8] = []
    private(set) var count = 0

    var isEmpty: Bool { self.count == 0 }
    var capacity: Int { self.storage.count }
    var bytes: [UInt8] { Array(self.storage[..<self.count]) }

    /// Forgets what was written and keeps the memory.
    mutating func removeAll() { self.count = 0 }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        self.storage.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<self.count])) }
    }

    /// Appends what `body` writes, which is `most` bytes or fewer: more is our own bug and traps.
    @inline(__always)
    mutating func write(atMost most: Int, _ body: (inout HTTPHeadWriter) -> Void) {
        if self.storage.count - self.count < most { self.makeRoom(for: most) }
        let start = self.count
        self.count = self.storage.withUnsafeMutableBufferPointer { room in
            var writer = HTTPHeadWriter(room, at: start)
            body(&writer)
            return writer.count
        }
    }

    @inline(never)
    private mutating func makeRoom(for most: Int) {
        let wanted = max(1_024, self.count + most, 2 * self.storage.count)
        self.storage.append(contentsOf: repeatElement(0, count: wanted - self.storage.count))
    }
}

/// Writes the parts of a head one behind the other.
///
/// Lives in one call of `HTTPOutputBuffer.write`.
struct HTTPHeadWriter {
    private let room: UnsafeMutableBufferPointer<UInt8>
    private(set) var count: Int

    fileprivate init(_ room: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        self.room = room
        self.count = start
    }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        self.write(text.utf8Start, text.utf8CodeUnitCount)
    }

    @inline(__always)
    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            self.write(base, source.count)
        }
    }

    /// With a label, so that a literal is never taken for one of these, and its references counted.
    mutating func write(text: String) {
        var text = text
        text.withUTF8 { source in
            guard let base = source.baseAddress else { return }
            self.write(base, source.count)
        }
    }

    /// Writes `count` bytes, all of which `body` fills in.
    mutating func write(count: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        precondition(count <= self.room.count - self.count, "a head is longer than the room that was made for it")
        body(UnsafeMutableBufferPointer(rebasing: self.room[self.count..<(self.count + count)]))
        self.count += count
    }

    mutating func write(decimal number: Int) {
        precondition(number >= 0, "a negative number in a head")
        var digits = 1
        var rest = UInt(bitPattern: number)
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        precondition(digits <= self.room.count - self.count, "a head is longer than the room that was made for it")
        rest = UInt(bitPattern: number)
        for index in (self.count..<(self.count + digits)).reversed() {
            self.room[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        self.count += digits
    }

    /// One field line of `block` with its end.
    mutating func write(_ block: HTTPFieldBlock, _ line: HTTPFieldBlock.Line) {
        block.bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            precondition(line.nameEnd <= bytes.count && line.valueEnd <= bytes.count)
            self.write(base + Int(line.nameStart), Int(line.nameEnd - line.nameStart))
            self.write(": ")
            self.write(base + Int(line.valueStart), Int(line.valueEnd - line.valueStart))
            self.write("\r\n")
        }
    }

    @inline(__always)
    private mutating func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        precondition(count <= self.room.count - self.count, "a head is longer than the room that was made for it")
        guard let base = self.room.baseAddress else { return }
        (base + self.count).update(from: bytes, count: count)
        self.count += count
    }
}
