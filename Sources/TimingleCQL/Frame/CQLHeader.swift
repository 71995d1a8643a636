package import TimingleNet

/// The nine bytes before each body (native protocol v4 section 2).
///
/// Immutable.
package struct CQLHeader: Equatable, Sendable {
    /// What changes how the body is read.
    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let compression = Flags(rawValue: 0x01)
        package static let tracing = Flags(rawValue: 0x02)
        package static let customPayload = Flags(rawValue: 0x04)
        package static let warning = Flags(rawValue: 0x08)
    }

    package static let byteCount = 9
    /// The version that we speak.
    package static let version: UInt8 = 4
    /// What the specification allows for one body.
    package static let bodyBytesMax = 256 * 1024 * 1024
    /// The stream of frames that no request asked for.
    package static let eventStream: Int16 = -1

    package var flags: Flags
    package var stream: Int16
    package var opcode: CQLOpcode
    package var bodyLength: Int

    package init(flags: Flags = [], stream: Int16, opcode: CQLOpcode, bodyLength: Int) {
        self.flags = flags
        self.stream = stream
        self.opcode = opcode
        self.bodyLength = bodyLength
    }

    /// Reads a header of `direction`; refuses the length before anybody reserves it.
    package init(
        from reader: inout ByteReader,
        direction: CQLDirection,
        bodyBytesMax: Int = CQLHeader.bodyBytesMax
    ) throws(WireError) {
        guard reader.remaining >= Self.byteCount else { throw .truncated }
        let version = try reader.readUInt8()
        guard version == Self.versionByte(direction) else { throw .malformed("CQL version") }
        let flags = Flags(rawValue: try reader.readUInt8())
        let stream = try reader.readInt16()
        guard let opcode = CQLOpcode(rawValue: try reader.readUInt8()), opcode.direction == direction else {
            throw .malformed("CQL opcode")
        }
        let length = try reader.readInt32()
        guard length >= 0 else { throw .malformed("CQL body length") }
        guard Int(length) <= bodyBytesMax else { throw .limitExceeded("CQL body length") }
        self.init(flags: flags, stream: stream, opcode: opcode, bodyLength: Int(length))
    }

    package func write(to writer: inout ByteWriter) throws(WireError) {
        guard let length = Int32(exactly: self.bodyLength), self.bodyLength <= Self.bodyBytesMax, length >= 0 else {
            throw .limitExceeded("CQL body length")
        }
        writer.writeUInt8(Self.versionByte(self.opcode.direction))
        writer.writeUInt8(self.flags.rawValue)
        writer.writeInt16(self.stream)
        writer.writeUInt8(self.opcode.rawValue)
        writer.writeInt32(length)
    }

    /// Responses carry the version with the highest bit set.
    private static func versionByte(_ direction: CQLDirection) -> UInt8 {
        switch direction {
        case .request: self.version
        case .response: self.version | 0x80
        }
    }
}
