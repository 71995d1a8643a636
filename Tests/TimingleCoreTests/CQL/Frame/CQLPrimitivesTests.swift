import Testing
import TimingleCQL
import TimingleNet
import TimingleTestSupport

struct CQLPrimitivesTests {
    @Test func whatIsWrittenIsRead() throws {
        var writer = ByteWriter()
        try writer.writeCQLString("채팅")
        try writer.writeCQLLongString("SELECT 1")
        try writer.writeCQLBytes([1, 2])
        try writer.writeCQLBytes(nil)
        try writer.writeCQLShortBytes([7])
        for value in [CQLBoundValue.bytes([]), .null, .notSet] { try writer.writeCQLValue(value) }
        writer.writeCQLConsistency(.localQuorum)
        try writer.writeCQLStringList(["a", "", "b"])
        try writer.writeCQLStringMap(["CQL_VERSION": "3.0.0", "A": "1"])
        let bytes = writer.bytes
        var reader = ByteReader(bytes.span.bytes)
        #expect(try reader.readCQLString() == "채팅")
        #expect(try reader.readCQLLongString() == "SELECT 1")
        #expect(try reader.readCQLBytes() == [1, 2])
        #expect(try reader.readCQLBytes() == nil)
        #expect(try reader.readCQLShortBytes() == [7])
        #expect(try reader.readCQLValue() == .bytes([]))
        #expect(try reader.readCQLValue() == .null)
        #expect(try reader.readCQLValue() == .notSet)
        #expect(try reader.readCQLConsistency() == .localQuorum)
        #expect(try reader.readCQLStringList() == ["a", "", "b"])
        #expect(try reader.readCQLStringMap() == ["CQL_VERSION": "3.0.0", "A": "1"])
        #expect(reader.remaining == 0)
    }

    @Test func theBodyOfStartupIsAsTheSpecificationShowsIt() throws {
        var writer = ByteWriter()
        try writer.writeCQLStringMap(["CQL_VERSION": "3.0.0"])
        #expect(
            writer.bytes == [0, 1, 0, 11] + Array("CQL_VERSION".utf8) + [0, 5] + Array("3.0.0".utf8)
        )
    }

    @Test func aMultimapIsRead() throws {
        let bytes: [UInt8] = [0, 1, 0, 1, 0x41, 0, 2, 0, 1, 0x42, 0, 1, 0x43]
        var reader = ByteReader(bytes.span.bytes)
        #expect(try reader.readCQLStringMultimap() == ["A": ["B", "C"]])
    }

    /// Reads with each notation and keeps the errors.
    private static func errors(_ bytes: [UInt8]) -> [WireError] {
        var errors: [WireError] = []
        func attempt(_ body: (inout ByteReader) throws(WireError) -> Void) {
            var reader = ByteReader(bytes.span.bytes)
            do throws(WireError) { try body(&reader) } catch { errors.append(error) }
        }
        attempt { (reader: inout ByteReader) throws(WireError) in _ = try reader.readCQLString() }
        attempt { (reader: inout ByteReader) throws(WireError) in _ = try reader.readCQLStringList() }
        attempt { (reader: inout ByteReader) throws(WireError) in _ = try reader.readCQLStringMap() }
        attempt { (reader: inout ByteReader) throws(WireError) in _ = try reader.readCQLStringMultimap() }
        attempt { (reader: inout ByteReader) throws(WireError) in _ = try reader.readCQLShortBytes() }
        return errors
    }

    @Test func aCountThatTheBytesCannotHoldIsRefusedBeforeReserving() {
        #expect(Self.errors([0xFF, 0xFF]) == Array(repeating: .truncated, count: 5))
        #expect(Self.errors([0xFF, 0xFF, 0, 1, 0x41]) == Array(repeating: .truncated, count: 5))
    }

    @Test func lengthsBelowZeroMeanNullOnlyWhereTheyMay() throws {
        let minusThree: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFD]
        var reader = ByteReader(minusThree.span.bytes)
        #expect(try reader.readCQLBytes() == nil)
        reader = ByteReader(minusThree.span.bytes)
        var failures: [WireError] = []
        do throws(WireError) { _ = try reader.readCQLValue() } catch { failures.append(error) }
        reader = ByteReader(minusThree.span.bytes)
        do throws(WireError) { _ = try reader.readCQLLongString() } catch { failures.append(error) }
        #expect(failures == [.malformed("[value] length"), .malformed("length")])
    }

    @Test func whatDoesNotFitSixteenBitsIsRefused() throws {
        var writer = ByteWriter()
        try writer.writeCQLString(String(repeating: "a", count: 65_535))
        #expect(throws: WireError.limitExceeded("length of 16 bits")) {
            try writer.writeCQLString(String(repeating: "a", count: 65_536))
        }
        #expect(throws: WireError.limitExceeded("length of 16 bits")) {
            try writer.writeCQLShortBytes([UInt8](repeating: 0, count: 65_536))
        }
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func randomBytesNeverReadPastTheEnd(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) }
        #expect(Self.errors(bytes).count <= 5)
    }
}
