import Testing
import TimingleNet

@testable import TimingleCQL

struct CQLRequestTests {
    private static func text(_ text: String) -> [UInt8] { [0, UInt8(text.utf8.count)] + Array(text.utf8) }
    private static func longText(_ text: String) -> [UInt8] { [0, 0] + Self.text(text) }

    /// The body of what is written, its header checked.
    private static func body(_ request: CQLRequest) throws -> [UInt8] {
        let bytes = try request.encode().bytes
        var reader = ByteReader(bytes.span.bytes)
        let header = try CQLHeader(from: &reader, direction: .request)
        #expect(header.opcode == request.opcode)
        #expect(header.flags == [])
        #expect(header.bodyLength == bytes.count - CQLHeader.byteCount)
        return Array(bytes[CQLHeader.byteCount...])
    }

    private static let prepared = CQLPrepared(
        id: [1, 2],
        markers: [
            CQLResultMetadata.Column(keyspace: "k", table: "t", name: "seq", type: .bigint),
            CQLResultMetadata.Column(keyspace: "k", table: "t", name: "day", type: .int),
            CQLResultMetadata.Column(keyspace: "k", table: "t", name: "room", type: .text),
        ],
        partitionKey: [2, 1],
        result: .none
    )

    @Test func theHandshakeIsAsTheSpecificationSays() throws {
        #expect(try Self.body(.options).isEmpty)
        let version = Self.text("CQL_VERSION") + Self.text("3.0.0")
        #expect(try Self.body(.startup(StartupRequest())) == [0, 1] + version)
        let named = StartupRequest(options: ["DRIVER_NAME": "x", "CQL_VERSION": "9"])
        #expect(
            try Self.body(.startup(named)) == [0, 2] + Self.text("CQL_VERSION") + Self.text("9")
                + Self.text("DRIVER_NAME") + Self.text("x")
        )
        let token = AuthResponseRequest(username: "u", password: "p")
        #expect(try Self.body(.authResponse(token)) == [0, 0, 0, 4, 0, 0x75, 0, 0x70])
        #expect("\(token)" == "AUTH_RESPONSE")
        #expect(try Self.body(.authResponse(AuthResponseRequest(token: nil))) == [0xFF, 0xFF, 0xFF, 0xFF])
        let register = try Self.body(.register(RegisterRequest(CQLEventType.allCases)))
        #expect(
            register == [0, 3] + Self.text("TOPOLOGY_CHANGE") + Self.text("STATUS_CHANGE") + Self.text("SCHEMA_CHANGE")
        )
    }

    @Test func aPlainQueryHasNoFlags() throws {
        let query = QueryRequest("SELECT 1", CQLQueryParameters(consistency: .one))
        #expect(try Self.body(.query(query)) == Self.longText("SELECT 1") + [0, 1, 0])
        #expect(try Self.body(.prepare(PrepareRequest("SELECT 1"))) == Self.longText("SELECT 1"))
    }

    @Test func everyParameterHasItsFlagAndItsPlace() throws {
        var parameters = CQLQueryParameters(consistency: .quorum, values: [.int(7), .unset], names: ["a", "b"])
        parameters.skipsMetadata = true
        parameters.pageSize = 50
        parameters.pagingState = [9, 9]
        parameters.serialConsistency = .localSerial
        parameters.timestampMicroseconds = 258
        let expected: [UInt8] =
            Self.longText("q") + [0, 4, 0x7F, 0, 2] + Self.text("a") + [0, 0, 0, 4, 0, 0, 0, 7] + Self.text("b")
            + [0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 50, 0, 0, 0, 2, 9, 9, 0, 9, 0, 0, 0, 0, 0, 0, 1, 2]
        #expect(try Self.body(.query(QueryRequest("q", parameters))) == expected)
    }

    @Test func whatAParameterCannotBeIsRefused() {
        func failure(_ change: (inout CQLQueryParameters) -> Void) -> CQLCodingError? {
            var parameters = CQLQueryParameters(consistency: .one)
            change(&parameters)
            do throws(CQLCodingError) {
                _ = try CQLRequest.query(QueryRequest("q", parameters)).encode()
                return nil
            } catch {
                return error
            }
        }
        #expect(failure { $0.pageSize = 0 } == CQLCodingError(.outOfRange, "a page of 0 rows"))
        #expect(failure { $0.serialConsistency = .one } == CQLCodingError(.outOfRange, "ONE is no serial consistency"))
        #expect(failure { $0.timestampMicroseconds = -1 } == CQLCodingError(.outOfRange, "a timestamp before 1970"))
        #expect(failure { $0.timestampMicroseconds = 0 } == nil)
        #expect(failure { $0.values = Array(repeating: .null, count: 65_535) } == nil)
        let tooMany = failure { $0.values = Array(repeating: .null, count: 65_536) }
        #expect(tooMany == CQLCodingError(.column, "more than 65,535 values"))
        let unnamed = failure {
            $0.values = [.int(1), .int(2)]
            $0.names = ["a"]
        }
        #expect(unnamed?.code == .column)
    }

    @Test func valuesAreWrittenAsTheirMarkersWantThem() throws {
        let values: [CQLValue] = [1.cqlValue, 2.cqlValue, "r".cqlValue]
        let execute = ExecuteRequest(Self.prepared, CQLQueryParameters(consistency: .localQuorum, values: values))
        let expected: [UInt8] = [
            0, 2, 1, 2, 0, 6, 1, 0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 1, 0x72,
        ]
        #expect(try Self.body(.execute(execute)) == expected)
    }

    @Test func errorsNameTheMarker() {
        func failure(_ values: [CQLValue]) -> CQLCodingError? {
            let parameters = CQLQueryParameters(consistency: .one, values: values)
            do throws(CQLCodingError) {
                _ = try CQLRequest.execute(ExecuteRequest(Self.prepared, parameters)).encode()
                return nil
            } catch {
                return error
            }
        }
        let range = "2147483648 is not within -2147483648...2147483647 of int"
        #expect(
            failure([.bigint(1), .bigint(1 << 31), .text("r")]) == CQLCodingError(.outOfRange, range, column: "day")
        )
        #expect(
            failure([.bigint(1), .int(1), .int(1)])
                == CQLCodingError(.typeMismatch, "an integer is no text", column: "room")
        )
        #expect(failure([.bigint(1)]) == CQLCodingError(.column, "1 values for 3 markers"))
        #expect(failure([]) == CQLCodingError(.column, "0 values for 3 markers"))
        #expect(failure([.null, .unset, .text("")]) == nil)
    }

    @Test func theRoutingKeyIsInTheOrderOfTheKey() throws {
        func key(_ values: [CQLValue], _ prepared: CQLPrepared = Self.prepared) throws -> [UInt8]? {
            let parameters = CQLQueryParameters(consistency: .one, values: values)
            return try CQLRequest.execute(ExecuteRequest(prepared, parameters)).encode().routingKey
        }
        #expect(try key([1.cqlValue, 2.cqlValue, "r".cqlValue]) == [0, 1, 0x72, 0, 0, 4, 0, 0, 0, 2, 0])
        #expect(try key([1.cqlValue, 2.cqlValue, .null]) == nil)
        #expect(try key([1.cqlValue, .unset, "r".cqlValue]) == nil)
        func single(_ places: [Int]) -> CQLPrepared {
            CQLPrepared(id: [1], markers: Self.prepared.markers, partitionKey: places, result: .none)
        }
        #expect(try key([1.cqlValue, 2.cqlValue, "room".cqlValue], single([2])) == Array("room".utf8))
        #expect(try key([1.cqlValue, 2.cqlValue, "room".cqlValue], single([])) == nil)
        let statements: [BatchRequest.Statement] = [
            .prepared(single([1]), [.null, 2.cqlValue, .null]), .text("q", []),
        ]
        let batch = CQLRequest.batch(BatchRequest(.logged, statements, consistency: .one))
        #expect(try batch.encode().routingKey == [0, 0, 0, 2])
        #expect(try batch.encode(customPayload: ["a": [1]]).routingKey == [0, 0, 0, 2])
        #expect(try CQLRequest.options.encode().routingKey == nil)
    }

    @Test(arguments: [(BatchRequest.Kind.logged, 0), (.unlogged, 1), (.counter, 2)] as [(BatchRequest.Kind, UInt8)])
    func batchesHoldBothKindsOfStatements(kind: BatchRequest.Kind, code: UInt8) throws {
        let statements: [BatchRequest.Statement] = [
            .text("q", []), .prepared(Self.prepared, [.int(1), .int(2), .text("r")]), .text("r", [.boolean(true)]),
        ]
        var batch = BatchRequest(kind, statements, consistency: .quorum)
        batch.serialConsistency = .serial
        batch.timestampMicroseconds = 1
        let first = [0] + Self.longText("q") + [0, 0]
        let second: [UInt8] = [
            1, 0, 2, 1, 2, 0, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 1, 0x72,
        ]
        let third = [0] + Self.longText("r") + [0, 1, 0, 0, 0, 1, 1]
        let end: [UInt8] = [0, 4, 0x30, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1]
        #expect(try Self.body(.batch(batch)) == [code, 0, 3] + first + second + third + end)
    }

    @Test func flagsAndPayloadStandInFront() throws {
        let bytes = try CQLRequest.query(QueryRequest("q", CQLQueryParameters(consistency: .one)))
            .encode(isTraced: true, customPayload: ["b": [1], "a": []]).bytes
        #expect(bytes[1] == 0x06)
        let payload: [UInt8] = [0, 2, 0, 1, 0x61, 0, 0, 0, 0, 0, 1, 0x62, 0, 0, 0, 1, 1]
        #expect(Array(bytes[9...]) == payload + Self.longText("q") + [0, 1, 0])
    }

    @Test func theStreamIsWrittenWhenItIsKnown() throws {
        let request = try CQLRequest.options.encode()
        var buffer: [UInt8] = [0xAA]
        request.append(to: &buffer, stream: 0x1234)
        request.append(to: &buffer, stream: 32_767)
        #expect(buffer == [0xAA, 4, 0, 0x12, 0x34, 5, 0, 0, 0, 0, 4, 0, 0x7F, 0xFF, 5, 0, 0, 0, 0])
    }
}
