import Testing
import TimingleCQL
import TimingleNet

struct CQLServerErrorTests {
    private static func error(_ name: String) throws -> CQLServerError {
        guard case .error(let error) = try CQLFixture.response(name).content else {
            throw WireError.malformed("not an error")
        }
        return error
    }

    private static func decode(_ code: UInt32, _ fields: [UInt8]) throws -> CQLServerError {
        let number = (0..<4).map { UInt8(truncatingIfNeeded: code >> (24 - 8 * UInt32($0))) }
        guard
            case .error(let error) =
                try CQLFixture.decode(CQLFixture.frame(.error, number + [0, 1, 0x6D] + fields)).content
        else { throw WireError.malformed("not an error") }
        #expect(error.message == "m")
        return error
    }

    @Test func whatARealServerSaysIsUnderstood() throws {
        let syntax = try Self.error("error-syntax")
        #expect(syntax.code == .syntax)
        #expect(syntax.message == "line 1:0 no viable alternative at input 'SELEC' ([SELEC])")
        #expect(try Self.error("error-invalid").code == .invalid)
        #expect(try Self.error("error-unauthorized").code == .unauthorized)
        #expect(try Self.error("error-bad-credentials").code == .authentication)
        #expect(try Self.error("error-unavailable").code == .unavailable(consistency: .quorum, required: 2, alive: 1))
        #expect(try Self.error("error-keyspace-exists").code == .alreadyExists(keyspace: "captured", table: ""))
        #expect(try Self.error("error-table-exists").code == .alreadyExists(keyspace: "captured", table: "everything"))
        #expect(try Self.error("error-unprepared").code == .unprepared(id: Array("0123456789abcdef".utf8)))
    }

    @Test func aServerOfAnotherVersionIsRefusedByItsHeader() throws {
        let bytes = try CQLFixture.bytes("error-protocol-version")
        #expect(throws: WireError.malformed("CQL version")) { try CQLFixture.header(bytes) }
    }

    private static let three: [UInt8] = [0, 4, 0, 0, 0, 1, 0, 0, 0, 2]

    @Test func codesAreReadWithTheirFields() throws {
        let quorum = CQLServerError.Replicas(consistency: .quorum, received: 1, required: 2)
        #expect(try Self.decode(0x0000, []).code == .serverError)
        #expect(try Self.decode(0x000A, []).code == .protocolError)
        #expect(try Self.decode(0x0100, []).code == .authentication)
        let unavailable = CQLServerError.Code.unavailable(consistency: .quorum, required: 1, alive: 2)
        #expect(try Self.decode(0x1000, Self.three).code == unavailable)
        #expect(try Self.decode(0x1001, []).code == .overloaded)
        #expect(try Self.decode(0x1002, []).code == .isBootstrapping)
        #expect(try Self.decode(0x1003, []).code == .truncate)
        let simple: [UInt8] = [0, 6] + Array("SIMPLE".utf8)
        #expect(try Self.decode(0x1100, Self.three + simple).code == .writeTimeout(quorum, writeType: .simple))
        #expect(try Self.decode(0x1200, Self.three + [1]).code == .readTimeout(quorum, dataPresent: true))
        let readFailure = CQLServerError.Code.readFailure(quorum, failures: 3, dataPresent: false)
        #expect(try Self.decode(0x1300, Self.three + [0, 0, 0, 3, 0]).code == readFailure)
        let function = CQLServerError.Code.functionFailure(keyspace: "k", function: "f", argumentTypes: ["int"])
        #expect(
            try Self.decode(0x1400, [0, 1, 0x6B, 0, 1, 0x66, 0, 1, 0, 3] + Array("int".utf8)).code == function
        )
        let writeFailure = CQLServerError.Code.writeFailure(quorum, failures: 3, writeType: .simple)
        #expect(try Self.decode(0x1500, Self.three + [0, 0, 0, 3] + simple).code == writeFailure)
        #expect(try Self.decode(0x1600, []).code == .cdcWriteFailure)
        #expect(try Self.decode(0x1700, Self.three).code == .casWriteUnknown(quorum))
        #expect(try Self.decode(0x2000, []).code == .syntax)
        #expect(try Self.decode(0x2100, []).code == .unauthorized)
        #expect(try Self.decode(0x2200, []).code == .invalid)
        #expect(try Self.decode(0x2300, []).code == .configuration)
        let exists = CQLServerError.Code.alreadyExists(keyspace: "k", table: "t")
        #expect(try Self.decode(0x2400, [0, 1, 0x6B, 0, 1, 0x74]).code == exists)
        #expect(try Self.decode(0x2500, [0, 2, 1, 2]).code == .unprepared(id: [1, 2]))
        #expect(try Self.decode(0xF000, []).code == .other(0xF000))
    }

    @Test(arguments: [
        ("SIMPLE", CQLWriteType.simple), ("BATCH", .batch), ("UNLOGGED_BATCH", .unloggedBatch), ("COUNTER", .counter),
        ("BATCH_LOG", .batchLog), ("CAS", .cas), ("VIEW", .view), ("CDC", .cdc), ("TIMED", .other("TIMED")),
    ])
    func writeTypesAreNamed(name: String, type: CQLWriteType) throws {
        let fields = Self.three + [0, UInt8(name.utf8.count)] + Array(name.utf8)
        guard case .writeTimeout(_, let read) = try Self.decode(0x1100, fields).code else {
            Issue.record("another code")
            return
        }
        #expect(read == type)
    }
}
