#if canImport(TimingleNet)
@testable internal import TimingleCQL
internal import TimingleNet
#endif

/// A type and a value of it: what can be read can be written, and reads the same again.
enum CQLValuesFuzz {
    static func check(_ input: FuzzInput) throws {
        var reader = ByteReader(input.bytes.span.bytes)
        let type: CQLType
        let bytes: [UInt8]
        do throws(WireError) {
            type = try reader.readCQLType()
            bytes = try reader.readArray(reader.remaining)
        } catch {
            return
        }
        try Self.check(CQLCell(type: type, bytes: bytes))
    }

    static func check(_ cell: CQLCell) throws {
        let value: CQLValue
        do throws(CQLCodingError) {
            value = try CQLValue.decode(cell)
        } catch {
            return
        }
        var writer = ByteWriter()
        do throws(CQLCodingError) {
            try value.write(to: &writer, as: cell.type)
        } catch {
            return try Self.checkRefusal(error, of: value)
        }
        let written = writer.bytes
        var reader = ByteReader(written.span.bytes)
        let content = try reader.readCQLBytes()
        try FuzzFinding.unless(reader.remaining == 0, "a value is one value")
        let again = try CQLValue.decode(CQLCell(type: cell.type, bytes: content))
        // Not the values: one that is no number is not equal to itself.
        try FuzzFinding.unless("\(again)" == "\(value)", "\(value) is read as \(again)")
        try Self.checkTyped(cell, value)
    }

    /// What a server may store, and a client may not write.
    private static func checkRefusal(_ error: CQLCodingError, of value: CQLValue) throws {
        try FuzzFinding.unless(error.code == .null || error.code == .outOfRange, "\(value): \(error)")
    }

    /// Decoding without a `CQLValue` between gives the same.
    private static func checkTyped(_ cell: CQLCell, _ value: CQLValue) throws {
        switch value {
        case .bigint(let number), .counter(let number):
            try FuzzFinding.unless(try Int64.decode(cell) == number, "an integer is the same integer")
        case .int(let number): try FuzzFinding.unless(try Int32.decode(cell) == number, "an int is the same int")
        case .text(let text), .ascii(let text):
            try FuzzFinding.unless(try String.decode(cell) == text, "a text is the same text")
        case .list(let values), .set(let values):
            try FuzzFinding.unless(try [CQLValue].decode(cell).count == values.count, "as many elements")
        case .map(let entries):
            try FuzzFinding.unless(try [CQLValue: CQLValue].decode(cell).count <= entries.count, "no more entries")
        default: break
        }
    }
}
