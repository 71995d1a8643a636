/// A cursor over bytes of a peer: reads big-endian values and never past the end.
///
/// Loop-confined. It cannot outlive the bytes. The attributes let other modules inline it; see CONTRIBUTING.md.
@usableFromInline
package struct ByteReader: ~Copyable, ~Escapable {
    @usableFromInline let bytes: RawSpan
    @usableFromInline var offset: Int

    @inlinable
    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan) {
        self.bytes = bytes
        self.offset = 0
    }

    /// Bytes that are still to be read.
    @inlinable package var remaining: Int { self.bytes.byteCount &- self.offset }

    /// Bytes that were read.
    @inlinable package var position: Int { self.offset }

    @inlinable
    @_lifetime(self: copy self)
    package mutating func readUInt8() throws(WireError) -> UInt8 { try self.readInteger() }

    @inlinable
    @_lifetime(self: copy self)
    package mutating func readUInt16() throws(WireError) -> UInt16 { try self.readInteger() }

    @inlinable
    @_lifetime(self: copy self)
    package mutating func readInt16() throws(WireError) -> Int16 { try self.readInteger() }

    @inlinable
    @_lifetime(self: copy self)
    package mutating func readUInt32() throws(WireError) -> UInt32 { try self.readInteger() }

    @inlinable
    @_lifetime(self: copy self)
    package mutating func readInt32() throws(WireError) -> Int32 { try self.readInteger() }

    @inlinable
    @_lifetime(self: copy self)
    package mutating func readUInt64() throws(WireError) -> UInt64 { try self.readInteger() }

    @inlinable
    @_lifetime(self: copy self)
    package mutating func readInt64() throws(WireError) -> Int64 { try self.readInteger() }

    /// Reads an integer in network byte order.
    @inlinable
    @_lifetime(self: copy self)
    package mutating func readInteger<Value: FixedWidthInteger & BitwiseCopyable>(
        as type: Value.Type = Value.self
    ) throws(WireError) -> Value {
        let size = MemoryLayout<Value>.size
        guard self.remaining >= size else { throw .truncated }
        // SAFETY: `size` bytes from `offset` are inside the span; an integer has no invalid bit pattern.
        let value = unsafe self.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: self.offset, as: Value.self)
        self.offset &+= size
        return Value(bigEndian: value)
    }

    /// Reads `count` bytes without copying them.
    @inlinable
    @_lifetime(copy self)
    package mutating func readBytes(_ count: Int) throws(WireError) -> RawSpan {
        guard count >= 0 else { throw .malformed("length") }
        guard count <= self.remaining else { throw .truncated }
        let start = self.offset
        self.offset &+= count
        return self.bytes.extracting(start..<start &+ count)
    }

    /// Copies `count` bytes out.
    @inlinable
    @_lifetime(self: copy self)
    package mutating func readArray(_ count: Int) throws(WireError) -> [UInt8] {
        guard count >= 0 else { throw .malformed("length") }
        guard count <= self.remaining else { throw .truncated }
        let start = self.offset
        self.offset &+= count
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count {
                // SAFETY: the range was checked above; each byte of `buffer` below `count` is initialised here.
                let byte = unsafe self.bytes.unsafeLoad(fromUncheckedByteOffset: start &+ index, as: UInt8.self)
                unsafe buffer.initializeElement(at: index, to: byte)
            }
            initialized = count
        }
    }

    /// Reads `count` bytes of UTF-8.
    @inlinable
    @_lifetime(self: copy self)
    package mutating func readString(_ count: Int) throws(WireError) -> String {
        let bytes = try self.readArray(count)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("UTF-8") }
        return text
    }

    @inlinable
    @_lifetime(self: copy self)
    package mutating func skip(_ count: Int) throws(WireError) {
        guard count >= 0 else { throw .malformed("length") }
        guard count <= self.remaining else { throw .truncated }
        self.offset &+= count
    }
}
