import Testing
import TimingleCQL
import TimingleNet

struct CQLTypeTests {
    private static func read(_ bytes: [UInt8]) throws(WireError) -> CQLType {
        var reader = ByteReader(bytes.span.bytes)
        let type = try reader.readCQLType()
        guard reader.remaining == 0 else { throw .malformed("bytes behind the type") }
        return type
    }

    @Test(
        arguments: [
            (0x01, CQLType.ascii), (0x02, .bigint), (0x03, .blob), (0x04, .boolean), (0x05, .counter), (0x06, .decimal),
            (0x07, .double), (0x08, .float), (0x09, .int), (0x0B, .timestamp), (0x0C, .uuid), (0x0D, .text),
            (0x0E, .varint), (0x0F, .timeuuid), (0x10, .inet), (0x11, .date), (0x12, .time), (0x13, .smallint),
            (0x14, .tinyint), (0x15, .duration),
        ] as [(UInt8, CQLType)]
    )
    func codesAreThoseOfTheSpecification(code: UInt8, type: CQLType) throws {
        #expect(try Self.read([0, code]) == type)
    }

    @Test func typesStandInEachOther() throws {
        #expect(try Self.read([0, 0x20, 0, 0x22, 0, 9]) == .list(.set(.int)))
        #expect(try Self.read([0, 0x21, 0, 0x0D, 0, 0x20, 0, 2]) == .map(.text, .list(.bigint)))
        #expect(try Self.read([0, 0x31, 0, 2, 0, 9, 0, 0x0D]) == .tuple([.int, .text]))
        let fields = [CQLUserType.Field("f", .int)]
        let udt = CQLType.udt(CQLUserType(keyspace: "k", name: "t", fields: fields))
        #expect(try Self.read([0, 0x30, 0, 1, 0x6B, 0, 1, 0x74, 0, 1, 0, 1, 0x66, 0, 9]) == udt)
        #expect("\(CQLType.map(.text, .tuple([.int, udt])))" == "map<text, tuple<int, k.t>>")
    }

    @Test func customTypesGoByTheirClass() throws {
        let name = "org.apache.cassandra.db.marshal.DurationType"
        #expect(try Self.read([0, 0, 0, UInt8(name.utf8.count)] + Array(name.utf8)) == .duration)
        #expect(try Self.read([0, 0, 0, 1, 0x78]) == .custom("x"))
    }

    @Test func theDepthHasALimit() throws {
        func lists(_ depth: Int) -> [UInt8] {
            Array(repeating: [0, 0x20] as [UInt8], count: depth).flatMap { $0 } + [0, 9]
        }
        #expect(throws: Never.self) { try Self.read(lists(CQLType.depthMax - 1)) }
        #expect(throws: WireError.limitExceeded("depth of a type")) { try Self.read(lists(CQLType.depthMax)) }
    }

    @Test func whatCannotBeIsRefused() {
        #expect(throws: WireError.malformed("type of a column")) { try Self.read([0, 0x0A]) }
        #expect(throws: WireError.malformed("type of a column")) { try Self.read([0, 0x40]) }
        #expect(throws: WireError.malformed("type of a column")) { try Self.read([0, 0x31, 0, 0]) }
        #expect(throws: WireError.malformed("type of a column")) {
            try Self.read([0, 0x30, 0, 1, 0x6B, 0, 1, 0x74, 0, 0])
        }
        #expect(throws: WireError.truncated) { try Self.read([0, 0x31, 0xFF, 0xFF, 0, 9]) }
        #expect(throws: WireError.truncated) { try Self.read([0, 0x20]) }
    }
}
