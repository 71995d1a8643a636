import Testing
import TimingleCQL
import TimingleNet

struct CQLResponseTests {
    @Test func theCapturedFramesAreThere() {
        #expect(CQLFixture.names.count >= 30)
    }

    @Test func theHandshakeIsUnderstood() throws {
        guard case .supported(let supported) = try CQLFixture.response("supported").content else {
            Issue.record("not SUPPORTED")
            return
        }
        #expect(supported["CQL_VERSION"] == ["3.4.7"])
        #expect(supported["COMPRESSION"] == ["snappy", "lz4"])
        #expect(supported["PROTOCOL_VERSIONS"] == ["3/v3", "4/v4", "5/v5", "6/v6-beta"])
        guard case .ready = try CQLFixture.response("ready").content,
            case .authenticate("org.apache.cassandra.auth.PasswordAuthenticator") =
                try CQLFixture.response("authenticate").content,
            case .authSuccess(token: nil) = try CQLFixture.response("auth-success").content
        else {
            Issue.record("not READY, AUTHENTICATE and AUTH_SUCCESS")
            return
        }
        let challenge = CQLFixture.frame(.authChallenge, [0, 0, 0, 1, 7])
        guard case .authChallenge(token: [7]) = try CQLFixture.decode(challenge).content else {
            Issue.record("not AUTH_CHALLENGE")
            return
        }
    }

    @Test func resultsOfEveryKindAreUnderstood() throws {
        guard case .void = try CQLFixture.response("void").content,
            case .setKeyspace("captured") = try CQLFixture.response("set-keyspace").content,
            case .schemaChange(let made) = try CQLFixture.response("schema-change-table").content,
            case .schemaChange(let dropped) = try CQLFixture.response("schema-change-dropped").content
        else {
            Issue.record("another kind")
            return
        }
        let table = CQLSchemaChange(change: "CREATED", keyspace: "captured", target: .table("everything"))
        #expect(made == table)
        #expect(dropped == CQLSchemaChange(change: "DROPPED", keyspace: "captured", target: .keyspace))
    }

    @Test func warningsReachTheRows() throws {
        let response = try CQLFixture.response("rows-with-warning")
        #expect(response.warnings == ["Aggregation query used without partition key"])
        let rows = try CQLFixture.rows("rows-with-warning")
        #expect(rows.warnings == response.warnings)
        #expect(try rows[0].decode("count", as: Int.self) == 5)
    }

    @Test func aTraceIsNamed() throws {
        let response = try CQLFixture.response("rows-traced")
        #expect(response.tracingID?.version == 1)
        #expect(try CQLFixture.rows("rows-traced")[0].decode("seq", as: Int64.self) == 0)
    }

    @Test func whatStandsBeforeTheContentIsReadInItsOrder() throws {
        let trace: [UInt8] = Array(1...16)
        let warnings: [UInt8] = [0, 1, 0, 1, 0x77]
        let payload: [UInt8] = [0, 2, 0, 1, 0x61, 0, 0, 0, 1, 9, 0, 1, 0x62, 0xFF, 0xFF, 0xFF, 0xFF]
        let frame = CQLFixture.frame(
            .result,
            trace + warnings + payload + [0, 0, 0, 1],
            flags: [.tracing, .warning, .customPayload]
        )
        let response = try CQLFixture.decode(frame)
        #expect(response.tracingID == CQLUUID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10))
        #expect(response.warnings == ["w"])
        #expect(response.customPayload == ["a": [9], "b": []])
        guard case .void = response.content else {
            Issue.record("not void")
            return
        }
    }

    @Test func bytesBehindWhatWeKnowAreLeftAlone() throws {
        let frame = CQLFixture.frame(.result, [0, 0, 0, 1, 0xAB, 0xCD])
        guard case .void = try CQLFixture.decode(frame).content else {
            Issue.record("not void")
            return
        }
    }

    @Test func whatNobodyAskedForIsRefused() {
        #expect(throws: WireError.malformed("kind of a result")) {
            try CQLFixture.decode(CQLFixture.frame(.result, [0, 0, 0, 6]))
        }
        #expect(throws: WireError.malformed("compressed frame")) {
            try CQLFixture.decode(CQLFixture.frame(.result, [0, 0, 0, 1], flags: .compression))
        }
        #expect(throws: WireError.malformed("target of a schema change")) {
            try CQLFixture.decode(CQLFixture.frame(.result, [0, 0, 0, 5, 0, 1, 0x43, 0, 1, 0x58, 0, 1, 0x6B]))
        }
    }

    @Test(arguments: CQLFixture.framesOfVersion4)
    func everyPrefixOfABodyIsRefused(name: String) throws {
        let bytes = try CQLFixture.bytes(name)
        let header = try CQLFixture.header(bytes)
        let known = try CQLFixture.prepared("prepared-select").result
        let body = Array(bytes[CQLHeader.byteCount...])
        for count in 0..<body.count {
            let prefix = Array(body[..<count])
            #expect(throws: WireError.self, "\(name), \(count) of \(body.count) bytes") {
                try CQLResponse.decode(header, body: prefix.span.bytes, known: known)
            }
        }
    }

    @Test(arguments: CQLFixture.framesOfVersion4)
    func aChangedByteIsNeverMoreThanAnError(name: String) throws {
        let bytes = try CQLFixture.bytes(name)
        let header = try CQLFixture.header(bytes)
        for index in CQLHeader.byteCount..<bytes.count {
            for flip in [0x01, 0x80, 0xFF] as [UInt8] {
                var body = Array(bytes[CQLHeader.byteCount...])
                body[index - CQLHeader.byteCount] ^= flip
                guard let response = try? CQLResponse.decode(header, body: body.span.bytes),
                    case .rows(let rows) = response.content
                else { continue }
                for row in rows {
                    for column in row.columns.indices { _ = try? row.decode(at: column, as: CQLValue.self) }
                }
            }
        }
    }
}
