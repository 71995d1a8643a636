/// Looks for the end of what a head consists of, eight bytes at a time where that pays.
///
/// Indices are those of the span; each function checks its range once.
extension Span where Element == UInt8 {
    /// The first LF at `start` or behind it; `count` where there is none.
    func lineFeed(from start: Int) -> Int {
        precondition(start >= 0 && start <= self.count)
        return self.withUnsafeBytes { bytes in
            var index = start
            while index + 8 <= bytes.count {
                // A byte of `word` that is LF is zero here, and has its high bit set below; one above it may be wrong.
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let difference = word ^ (0x0a &* everyByte)
                let zeros = (difference &- everyByte) & ~difference & (0x80 &* everyByte)
                if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
                index += 8
            }
            while index < bytes.count, bytes[index] != 0x0a { index += 1 }
            return index
        }
    }

    /// The end of the token (RFC 9110 section 5.6.2) that begins at the range's start.
    func tokenEnd(in range: Range<Int>) -> Int { self.end(in: range, of: HTTPByteClass.isToken) }

    /// The first byte of the range that a target cannot have.
    func targetEnd(in range: Range<Int>) -> Int { self.end(in: range, of: HTTPByteClass.isTarget) }

    /// The first byte of the range that no host's name can have.
    func hostNameEnd(in range: Range<Int>) -> Int { self.end(in: range, of: HTTPByteClass.isHostName) }

    /// The first byte of the range that a field's value cannot have.
    func fieldValueEnd(in range: Range<Int>) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= self.count)
        let start = self.withUnsafeBytes { bytes in
            var index = range.lowerBound
            while index + 8 <= range.upperBound {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                // Controls borrow into their high bit; DEL is zero after the exclusive or.
                let controls = (word &- 0x20 &* everyByte) & ~word
                let difference = word ^ (0x7f &* everyByte)
                let deletes = (difference &- everyByte) & ~difference
                if (controls | deletes) & (0x80 &* everyByte) != 0 { break }
                index += 8
            }
            return index
        }
        // HTAB is a control, too.
        return self.end(in: start..<range.upperBound, of: HTTPByteClass.isFieldValue)
    }

    @inline(__always)
    private func end(in range: Range<Int>, of isMember: (UInt8) -> Bool) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= self.count)
        return self.withUnsafeBufferPointer { bytes in
            var index = range.lowerBound
            while index < range.upperBound, isMember(bytes[index]) { index += 1 }
            return index
        }
    }

    /// Inlined, so that the text's length is a constant.
    @inline(__always)
    func equals(_ text: StaticString) -> Bool {
        guard text.utf8CodeUnitCount == self.count else { return false }
        return self.withUnsafeBufferPointer { own in
            let other = text.utf8Start
            for index in 0..<text.utf8CodeUnitCount where own[index] != other[index] { return false }
            return true
        }
    }

    /// Compares without case; `text` is in lower case.
    @inline(__always)
    func equals(lowercase text: StaticString) -> Bool {
        guard text.utf8CodeUnitCount == self.count else { return false }
        return text.withUTF8Buffer { other in
            self.withUnsafeBufferPointer { own in
                for index in own.indices where asciiLowercased(own[index]) != other[index] { return false }
                return true
            }
        }
    }

    /// True when the comma-separated list has `member`, compared without case; `member` is in lower case.
    func hasMember(lowercase member: StaticString) -> Bool {
        var index = 0
        while let range = self.nextMember(from: &index) {
            if self.extracting(range).equals(lowercase: member) { return true }
        }
        return false
    }

    /// The next member of a comma-separated list, without the whitespace around it; empty ones are left out.
    func nextMember(from index: inout Int) -> Range<Int>? {
        while index < self.count {
            var start = index
            while index < self.count, self[index] != UInt8(ascii: ",") { index += 1 }
            var end = index
            index += 1
            while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
            while start < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
            if start < end { return start..<end }
        }
        return nil
    }

    /// The whole as a string; the caller knows that it is ASCII.
    var asciiString: String {
        self.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}

private let everyByte: UInt64 = 0x0101_0101_0101_0101
