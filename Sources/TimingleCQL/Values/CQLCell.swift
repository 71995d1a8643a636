/// One value of a row, or of a value within: bytes of the response and what they are to mean.
///
/// Immutable. It shares the response's bytes; none is copied before somebody decodes.
package struct CQLCell: Sendable {
    package let type: CQLType
    private let storage: [UInt8]
    private let start: Int
    /// Below zero: null.
    private let count: Int

    /// Of bytes inside `storage`, which the caller has checked; a count below zero is null.
    init(type: CQLType, storage: [UInt8], start: Int, count: Int) {
        precondition(count < 0 || (start >= 0 && start <= storage.count - count), "a cell lies outside of its response")
        self.type = type
        self.storage = storage
        self.start = start
        self.count = count
    }

    /// Of bytes that are a value by themselves, such as a test's.
    package init(type: CQLType, bytes: [UInt8]?) {
        self.init(type: type, storage: bytes ?? [], start: 0, count: bytes?.count ?? -1)
    }

    package var isNull: Bool { self.count < 0 }
    /// No bytes at all: a value of text or blob, and of other types a relic of Thrift.
    package var isEmpty: Bool { self.count == 0 }
    /// Zero for null.
    package var byteCount: Int { max(0, self.count) }
    /// The bytes, copied; none for null.
    package var bytes: [UInt8] { self.isNull ? [] : Array(self.storage[self.start..<(self.start + self.count)]) }

    /// Fails for null; says what the value should have been.
    func requireValue() throws(CQLCodingError) {
        guard !self.isNull else { throw CQLCodingError(.null, "null is no \(self.type)") }
    }

    /// A big-endian integer that takes all of the bytes.
    func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(CQLCodingError) -> Value {
        guard self.count == MemoryLayout<Value>.size else { throw self.malformed() }
        let storage = self.storage
        // SAFETY: `init` checked that `count` bytes from `start` are inside; an integer has no invalid bit pattern.
        return Value(
            bigEndian: unsafe storage.span.bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: self.start,
                as: Value.self
            )
        )
    }

    /// The bytes as UTF-8.
    func loadText() throws(CQLCodingError) -> String {
        try self.requireValue()
        let range = self.start..<(self.start + self.count)
        let text = self.storage.withUnsafeBufferPointer { bytes in
            String(validating: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
        guard let text else { throw self.malformed() }
        return text
    }

    func malformed() -> CQLCodingError {
        self.isNull
            ? CQLCodingError(.null, "null is no \(self.type)")
            : CQLCodingError(.malformed, "\(self.count) bytes that are no \(self.type)")
    }

    func mismatch(_ wanted: String) -> CQLCodingError { CQLCodingError(.typeMismatch, "\(self.type) is no \(wanted)") }

    /// The parts of a list, a set, a map, a tuple or a user-defined type, one after the other.
    var parts: Parts { Parts(storage: self.storage, offset: self.start, end: self.start + self.byteCount) }

    /// A cursor over `[bytes]` inside of a value.
    struct Parts {
        fileprivate let storage: [UInt8]
        fileprivate var offset: Int
        fileprivate let end: Int

        var isAtEnd: Bool { self.offset == self.end }

        /// A count of parts, of at least four bytes each; refused when the bytes that are left cannot hold so many.
        mutating func readCount(partsPerElement: Int) throws(CQLCodingError) -> Int {
            let count = Int(try self.readInt32())
            guard count >= 0, count <= (self.end - self.offset) / (4 * partsPerElement) else {
                throw CQLCodingError(.malformed, "a count that the bytes cannot hold")
            }
            return count
        }

        mutating func next(_ type: CQLType) throws(CQLCodingError) -> CQLCell {
            let count = Int(try self.readInt32())
            guard count > 0 else { return CQLCell(type: type, storage: self.storage, start: self.offset, count: count) }
            guard count <= self.end - self.offset else {
                throw CQLCodingError(.malformed, "a part that is longer than its whole")
            }
            defer { self.offset += count }
            return CQLCell(type: type, storage: self.storage, start: self.offset, count: count)
        }

        /// Like `next`; null once there is nothing more, as older rows have it after a type got a field.
        mutating func nextOrNull(_ type: CQLType) throws(CQLCodingError) -> CQLCell {
            self.isAtEnd ? CQLCell(type: type, bytes: nil) : try self.next(type)
        }

        func requireEnd() throws(CQLCodingError) {
            guard self.isAtEnd else { throw CQLCodingError(.malformed, "bytes behind the last part") }
        }

        private mutating func readInt32() throws(CQLCodingError) -> Int32 {
            guard self.end - self.offset >= 4 else { throw CQLCodingError(.malformed, "a value that ends too early") }
            let cell = CQLCell(type: .int, storage: self.storage, start: self.offset, count: 4)
            self.offset += 4
            return try cell.load()
        }
    }
}
