/// Writes the parts of a head one behind the other into room that was made for all of them at once.
///
/// Lives in one call of `append`. An array that grows by each part would check for room and for a second owner each
/// time.
struct HTTPHeadWriter {
    private let room: UnsafeMutableBufferPointer<UInt8>
    private var count = 0

    private init(_ room: UnsafeMutableBufferPointer<UInt8>) { self.room = room }

    /// Appends what `body` writes, which is `most` bytes or fewer: more is our own bug and traps.
    static func append(to out: inout [UInt8], atMost most: Int, _ body: (inout HTTPHeadWriter) -> Void) {
        let start = out.count
        out.append(contentsOf: repeatElement(0, count: most))
        let written = out.withUnsafeMutableBufferPointer { bytes in
            var writer = HTTPHeadWriter(UnsafeMutableBufferPointer(rebasing: bytes[start...]))
            body(&writer)
            return writer.count
        }
        out.removeLast(most - written)
    }

    mutating func write(_ text: StaticString) {
        self.write(text.utf8Start, text.utf8CodeUnitCount)
    }

    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            self.write(base, source.count)
        }
    }

    mutating func write(decimal number: Int) {
        precondition(number >= 0, "a negative number in a head")
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        var rest = number
        while divisor > 0 {
            self.room[self.count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor)
            self.count += 1
            rest %= divisor
            divisor /= 10
        }
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
