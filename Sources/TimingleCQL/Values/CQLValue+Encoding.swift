package import TimingleNet

/// Values written as a prepared column wants them.
extension CQLValue {
    /// Writes a `[value]` of `type`; where nobody knows one, of the type that the value has by itself.
    package func write(to writer: inout ByteWriter, as type: CQLType?) throws(CQLCodingError) {
        switch self {
        case .null: writer.writeInt32(-1)
        case .unset: writer.writeInt32(-2)
        default: try self.writePart(to: &writer, as: type, depthLeft: CQLType.depthMax)
        }
    }

    /// Writes `[bytes]`, with a length that is known before or corrected afterwards.
    private func writePart(to writer: inout ByteWriter, as type: CQLType?, depthLeft: Int) throws(CQLCodingError) {
        guard depthLeft > 0 else { throw CQLCodingError(.limitExceeded, "values stand too deep in each other") }
        switch self {
        case .null, .unset: throw CQLCodingError(.null, "\(self.kind) inside of a value")
        case .empty: writer.writeInt32(0)
        case .bigint(let value): try Self.writeInteger(value, to: &writer, as: type ?? .bigint)
        case .counter(let value): try Self.writeInteger(value, to: &writer, as: type ?? .counter)
        case .int(let value): try Self.writeInteger(Int64(value), to: &writer, as: type ?? .int)
        case .smallint(let value): try Self.writeInteger(Int64(value), to: &writer, as: type ?? .smallint)
        case .tinyint(let value): try Self.writeInteger(Int64(value), to: &writer, as: type ?? .tinyint)
        case .varint(let value): try Self.writeVarint(value, to: &writer, as: type ?? .varint)
        case .text(let text), .ascii(let text): try self.writeText(text, to: &writer, as: type)
        case .blob(let bytes), .custom(let bytes): try self.writeBlob(bytes, to: &writer, as: type)
        case .boolean(let value):
            try self.writeFixed(UInt8(value ? 1 : 0), to: &writer, type, isType: type == .boolean)
        case .float(let value): try Self.writeNumber(Double(value), to: &writer, as: type ?? .float, "float")
        case .double(let value): try Self.writeNumber(value, to: &writer, as: type ?? .double, "double")
        case .uuid(let value): try self.writeUUID(value, to: &writer, as: type ?? .uuid)
        case .timeuuid(let value):
            let isType = type == .timeuuid || type == .uuid
            try self.writeFixed(value.uuid.wire, to: &writer, type, isType: isType)
        case .timestamp(let value):
            try self.writeFixed(value.milliseconds, to: &writer, type, isType: type == .timestamp)
        case .date(let value): try self.writeFixed(value.wire, to: &writer, type, isType: type == .date)
        case .time(let value):
            guard value.isInDay else { throw CQLCodingError(.outOfRange, "a time of day beyond the day") }
            try self.writeFixed(value.nanoseconds, to: &writer, type, isType: type == .time)
        case .inet(.ipv4(let address)): try self.writeFixed(address, to: &writer, type, isType: type == .inet)
        case .inet(.ipv6(let high, let low)):
            try self.writeFixed(UInt128(high) << 64 | UInt128(low), to: &writer, type, isType: type == .inet)
        case .decimal, .duration, .list, .set, .map, .tuple, .udt:
            let mark = writer.markLength()
            try self.writeParts(to: &writer, as: type, depthLeft: depthLeft - 1)
            do throws(WireError) { try writer.patchLength(mark) } catch { throw Self.tooLong }
        }
    }

    private static let tooLong = CQLCodingError(.limitExceeded, "a value beyond 2 GiB")

    private func writeParts(to writer: inout ByteWriter, as type: CQLType?, depthLeft: Int) throws(CQLCodingError) {
        switch (self, type) {
        case (.decimal(let value), .decimal), (.decimal(let value), nil):
            writer.writeInt32(value.scale)
            writer.writeBytes(value.unscaled.bytes)
        case (.duration(let value), .duration), (.duration(let value), nil):
            guard value.hasOneSign else { throw CQLCodingError(.outOfRange, "a duration of two signs") }
            CQLVariableInteger.write(Int64(value.months), to: &writer)
            CQLVariableInteger.write(Int64(value.days), to: &writer)
            CQLVariableInteger.write(value.nanoseconds, to: &writer)
        // An array is written as the set that a column is.
        case (.list(let values), .list(let element)), (.list(let values), .set(let element)),
            (.set(let values), .set(let element)):
            try Self.writeAll(values, to: &writer, as: element, depthLeft)
        case (.list(let values), nil), (.set(let values), nil):
            try Self.writeAll(values, to: &writer, as: nil, depthLeft)
        case (.map(let entries), .map(let key, let value)):
            try Self.writeMap(entries, to: &writer, as: (key, value), depthLeft)
        case (.map(let entries), nil):
            try Self.writeMap(entries, to: &writer, as: (nil, nil), depthLeft)
        case (.tuple(let values), .tuple(let types)):
            guard values.count <= types.count else { throw CQLCodingError(.typeMismatch, "too many parts of a tuple") }
            for (index, type) in types.enumerated() {
                try Self.writeOrNull(index < values.count ? values[index] : .null, to: &writer, as: type, depthLeft)
            }
        case (.tuple(let values), nil):
            for value in values { try Self.writeOrNull(value, to: &writer, as: nil, depthLeft) }
        case (.udt(let fields), .udt(let type)):
            try Self.writeFields(fields, to: &writer, as: type, depthLeft)
        case (.udt(let fields), nil):
            for field in fields { try Self.writeOrNull(field.value, to: &writer, as: nil, depthLeft) }
        case (_, let type?):
            throw .mismatch(self.kind, type)
        case (_, nil):
            preconditionFailure("\(self.kind) is written in one piece")
        }
    }

    private static func writeAll(
        _ values: [CQLValue],
        to writer: inout ByteWriter,
        as type: CQLType?,
        _ depthLeft: Int
    ) throws(CQLCodingError) {
        guard let count = Int32(exactly: values.count) else { throw Self.tooLong }
        writer.writeInt32(count)
        for value in values { try value.writePart(to: &writer, as: type, depthLeft: depthLeft) }
    }

    private static func writeMap(
        _ entries: [CQLMapEntry],
        to writer: inout ByteWriter,
        as types: (key: CQLType?, value: CQLType?),
        _ depthLeft: Int
    ) throws(CQLCodingError) {
        guard let count = Int32(exactly: entries.count) else { throw Self.tooLong }
        writer.writeInt32(count)
        for entry in entries {
            try entry.key.writePart(to: &writer, as: types.key, depthLeft: depthLeft)
            try entry.value.writePart(to: &writer, as: types.value, depthLeft: depthLeft)
        }
    }

    /// In the type's order; a field that is not there is null.
    private static func writeFields(
        _ fields: [CQLFieldValue],
        to writer: inout ByteWriter,
        as type: CQLUserType,
        _ depthLeft: Int
    ) throws(CQLCodingError) {
        if let stranger = fields.first(where: { field in !type.fields.contains { $0.name == field.name } }) {
            throw CQLCodingError(.column, "\(type.name) has no field \(stranger.name)")
        }
        // What was read from a column has all fields in their order.
        let isWhole = fields.map(\.name) == type.fields.map(\.name)
        for (index, field) in type.fields.enumerated() {
            let value = isWhole ? fields[index].value : fields.first { $0.name == field.name }?.value ?? .null
            do throws(CQLCodingError) {
                try Self.writeOrNull(value, to: &writer, as: field.type, depthLeft)
            } catch {
                throw error.of(column: field.name)
            }
        }
    }

    /// Parts of tuples and user-defined types may be null.
    private static func writeOrNull(
        _ value: CQLValue,
        to writer: inout ByteWriter,
        as type: CQLType?,
        _ depthLeft: Int
    ) throws(CQLCodingError) {
        if case .null = value { return writer.writeInt32(-1) }
        try value.writePart(to: &writer, as: type, depthLeft: depthLeft)
    }
}

/// Values of one piece.
extension CQLValue {
    private func writeFixed<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value,
        to writer: inout ByteWriter,
        _ type: CQLType?,
        isType: Bool
    ) throws(CQLCodingError) {
        if let type, !isType { throw .mismatch(self.kind, type) }
        writer.writeInt32(Int32(MemoryLayout<Value>.size))
        writer.writeInteger(value)
    }

    /// An integer of any size where it fits.
    private static func writeInteger(
        _ value: Int64,
        to writer: inout ByteWriter,
        as type: CQLType
    ) throws(CQLCodingError) {
        switch type {
        case .bigint, .counter:
            writer.writeInt32(8)
            writer.writeInt64(value)
        case .int: try self.writeNarrow(Int32(exactly: value), value, to: &writer, type)
        case .smallint: try self.writeNarrow(Int16(exactly: value), value, to: &writer, type)
        case .tinyint: try self.writeNarrow(Int8(exactly: value), value, to: &writer, type)
        case .varint: try self.writeVarint(CQLVarint(value), to: &writer, as: type)
        default: throw .mismatch("an integer", type)
        }
    }

    private static func writeNarrow<Value: FixedWidthInteger & BitwiseCopyable>(
        _ narrow: Value?,
        _ value: Int64,
        to writer: inout ByteWriter,
        _ type: CQLType
    ) throws(CQLCodingError) {
        guard let narrow else {
            throw CQLCodingError(.outOfRange, "\(value) is not within \(Value.min)...\(Value.max) of \(type)")
        }
        writer.writeInt32(Int32(MemoryLayout<Value>.size))
        writer.writeInteger(narrow)
    }

    private static func writeVarint(
        _ value: CQLVarint,
        to writer: inout ByteWriter,
        as type: CQLType
    ) throws(CQLCodingError) {
        if case .varint = type { return try self.writeBytes(value.bytes, to: &writer) }
        guard let narrow = value.int64 else { throw CQLCodingError(.outOfRange, "\(value) is beyond \(type)") }
        try self.writeInteger(narrow, to: &writer, as: type)
    }

    /// A double as a float only where nothing is lost.
    private static func writeNumber(
        _ value: Double,
        to writer: inout ByteWriter,
        as type: CQLType,
        _ kind: String
    ) throws(CQLCodingError) {
        switch type {
        case .double:
            writer.writeInt32(8)
            writer.writeUInt64(value.bitPattern)
        case .float:
            let narrow = Float(value)
            guard value.isNaN || Double(narrow) == value else {
                throw CQLCodingError(.outOfRange, "\(value) is no float without loss")
            }
            writer.writeInt32(4)
            writer.writeUInt32(narrow.bitPattern)
        default: throw .mismatch(kind, type)
        }
    }

    private func writeText(_ text: String, to writer: inout ByteWriter, as type: CQLType?) throws(CQLCodingError) {
        switch type {
        case .text, nil: break
        case .ascii:
            guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw CQLCodingError(.outOfRange, "a text beyond ASCII") }
        case let type?: throw .mismatch(self.kind, type)
        }
        guard let count = Int32(exactly: text.utf8.count) else { throw Self.tooLong }
        writer.writeInt32(count)
        writer.writeUTF8(text)
    }

    private func writeBlob(_ bytes: [UInt8], to writer: inout ByteWriter, as type: CQLType?) throws(CQLCodingError) {
        switch (self, type) {
        case (_, .custom), (.blob, .blob), (_, nil): try Self.writeBytes(bytes, to: &writer)
        case (_, let type?): throw .mismatch(self.kind, type)
        }
    }

    private static func writeBytes(_ bytes: [UInt8], to writer: inout ByteWriter) throws(CQLCodingError) {
        guard let count = Int32(exactly: bytes.count) else { throw Self.tooLong }
        writer.writeInt32(count)
        writer.writeBytes(bytes)
    }

    private func writeUUID(_ value: CQLUUID, to writer: inout ByteWriter, as type: CQLType) throws(CQLCodingError) {
        if case .timeuuid = type, value.version != 1 {
            throw CQLCodingError(.outOfRange, "a UUID that is not of version 1")
        }
        try self.writeFixed(value.wire, to: &writer, type, isType: type == .uuid || type == .timeuuid)
    }
}

extension CQLUUID {
    fileprivate var wire: UInt128 { UInt128(self.high) << 64 | UInt128(self.low) }
}
