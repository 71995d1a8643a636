/// Appends big-endian values to one array; lengths can be written first and corrected when they are known.
///
/// A value. The attributes let other modules inline it; see CONTRIBUTING.md.
@usableFromInline
package struct ByteWriter: Sendable {
    /// The place of a 32-bit length that is not known yet.
    @usableFromInline
    package struct LengthMark: Sendable {
        @usableFromInline let offset: Int
        @inlinable init(offset: Int) { self.offset = offset }
    }

    @usableFromInline var storage: [UInt8] = []

    @inlinable
    package init(reserving capacity: Int = 0) {
        self.storage.reserveCapacity(capacity)
    }

    /// What was written so far.
    @inlinable package var bytes: [UInt8] { self.storage }
    @inlinable package var count: Int { self.storage.count }

    @inlinable
    package mutating func writeInteger<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        var shift = Value.bitWidth
        while shift > 0 {
            shift &-= 8
            self.storage.append(UInt8(truncatingIfNeeded: value >> Value(truncatingIfNeeded: shift)))
        }
    }

    @inlinable
    package mutating func writeUInt8(_ value: UInt8) { self.storage.append(value) }

    @inlinable
    package mutating func writeUInt16(_ value: UInt16) { self.writeInteger(value) }

    @inlinable
    package mutating func writeInt16(_ value: Int16) { self.writeInteger(value) }

    @inlinable
    package mutating func writeUInt32(_ value: UInt32) { self.writeInteger(value) }

    @inlinable
    package mutating func writeInt32(_ value: Int32) { self.writeInteger(value) }

    @inlinable
    package mutating func writeUInt64(_ value: UInt64) { self.writeInteger(value) }

    @inlinable
    package mutating func writeInt64(_ value: Int64) { self.writeInteger(value) }

    @inlinable
    package mutating func writeBytes(_ bytes: [UInt8]) { self.storage.append(contentsOf: bytes) }

    @inlinable
    package mutating func writeUTF8(_ text: String) { self.storage.append(contentsOf: text.utf8) }

    /// Leaves room for a 32-bit length.
    @inlinable
    package mutating func markLength() -> LengthMark {
        let mark = LengthMark(offset: self.storage.count)
        self.writeUInt32(0)
        return mark
    }

    /// Writes the number of bytes that follow the mark into it.
    @inlinable
    package mutating func patchLength(_ mark: LengthMark) throws(WireError) {
        let length = self.storage.count &- mark.offset &- 4
        precondition(length >= 0, "a length mark lies behind what was written")
        guard let value = Int32(exactly: length) else { throw .limitExceeded("length of 32 bits") }
        for index in 0..<4 {
            let shift = Int32(24 &- 8 &* index)
            self.storage[mark.offset &+ index] = UInt8(truncatingIfNeeded: value >> shift)
        }
    }
}
