/// Any column, with its type: for tools and tests; stores decode into types of their own.
extension CQLValue: CQLDecodable {
    package static func decode(_ cell: CQLCell) throws(CQLCodingError) -> CQLValue {
        guard !cell.isNull else { return .null }
        switch cell.type {
        case .text: return .text(try cell.loadText())
        case .ascii: return .ascii(try cell.loadText())
        case .blob: return .blob(cell.bytes)
        case .custom: return .custom(cell.bytes)
        default: return cell.isEmpty ? .empty : try self.decodeFixed(cell)
        }
    }

    private static func decodeFixed(_ cell: CQLCell) throws(CQLCodingError) -> CQLValue {
        switch cell.type {
        case .bigint: .bigint(try cell.load())
        case .boolean: .boolean(try Bool.decode(cell))
        case .counter: .counter(try cell.load())
        case .date: .date(try CQLDate.decode(cell))
        case .decimal: .decimal(try CQLDecimal.decode(cell))
        case .double: .double(try Double.decode(cell))
        case .duration: .duration(try CQLDuration.decode(cell))
        case .float: .float(try Float.decode(cell))
        case .inet: .inet(try CQLInet.decode(cell))
        case .int: .int(try cell.load())
        case .smallint: .smallint(try cell.load())
        case .time: .time(try CQLTime.decode(cell))
        case .timestamp: .timestamp(try CQLTimestamp.decode(cell))
        case .timeuuid: .timeuuid(try TimeUUID.decode(cell))
        case .tinyint: .tinyint(try cell.load())
        case .uuid: .uuid(try CQLUUID.decode(cell))
        case .varint: .varint(try CQLVarint.decode(cell))
        case .list: .list(try CQLValue.decodeArray(cell))
        case .set: .set(try CQLValue.decodeArray(cell))
        case .map(let key, let value): .map(try self.decodeMap(cell, key, value))
        case .tuple(let types): .tuple(try self.decodeTuple(cell, types))
        case .udt(let type): .udt(try self.decodeFields(cell, type))
        case .text, .ascii, .blob, .custom: preconditionFailure("decoded before: these may be empty")
        }
    }

    private static func decodeMap(
        _ cell: CQLCell,
        _ keyType: CQLType,
        _ valueType: CQLType
    ) throws(CQLCodingError) -> [CQLMapEntry] {
        var parts = cell.parts
        let count = try parts.readCount(partsPerElement: 2)
        var entries: [CQLMapEntry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let key = try CQLValue.decode(try parts.next(keyType))
            entries.append(CQLMapEntry(key, try CQLValue.decode(try parts.next(valueType))))
        }
        try parts.requireEnd()
        return entries
    }

    private static func decodeTuple(_ cell: CQLCell, _ types: [CQLType]) throws(CQLCodingError) -> [CQLValue] {
        var parts = cell.parts
        var values: [CQLValue] = []
        for type in types { values.append(try CQLValue.decode(try parts.nextOrNull(type))) }
        return values
    }

    /// What is behind the fields that the type had when the statement was prepared is of younger ones.
    private static func decodeFields(_ cell: CQLCell, _ type: CQLUserType) throws(CQLCodingError) -> [CQLFieldValue] {
        var parts = cell.parts
        var values: [CQLFieldValue] = []
        for field in type.fields {
            do throws(CQLCodingError) {
                values.append(CQLFieldValue(field.name, try CQLValue.decode(try parts.nextOrNull(field.type))))
            } catch {
                throw error.of(column: field.name)
            }
        }
        return values
    }
}
