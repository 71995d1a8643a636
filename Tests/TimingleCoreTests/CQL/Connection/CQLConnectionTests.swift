import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

struct CQLConnectionTests {
    private static let void: [UInt8] = [0, 0, 0, 1]

    // MARK: Handshake

    @Test func theServerSaysWhatItCanDoFirst() async throws {
        try await CQLConnectionDriver.run({ $0.startupOptions = ["DRIVER_NAME": "t"] }, opens: false) { driver in
            try await driver.step { world in
                #expect(world.sent().map(\.header.opcode) == [.options])
                world.receive(bytes: try CQLFixture.bytes("supported").withStream(0))
            }
            try await driver.step { world in
                #expect(world.connection.supported["CQL_VERSION"] == ["3.4.7"])
                let startup = world.sent()
                #expect(startup.map(\.header.opcode) == [.startup])
                #expect(startup[0].header.stream == 0)
                #expect(String(decoding: startup[0].body, as: UTF8.self).contains("DRIVER_NAME"))
                #expect(world.opened.isEmpty)
                world.receive(.ready, [])
            }
            try await driver.step { world in
                #expect(world.opened.count == 1 && world.openError == nil)
                #expect(world.connection.isReady)
            }
        }
    }

    @Test func aPasswordIsSentWhenItIsAskedFor() async throws {
        let credentials = CQLCredentials(username: "u", password: "secret")
        #expect(!"\(credentials)".contains("secret"))
        try await CQLConnectionDriver.run({ $0.credentials = credentials }, opens: false) { driver in
            try await driver.step { world in
                world.receive(.supported, [0, 0])
                world.receive(bytes: try CQLFixture.bytes("authenticate").withStream(0))
            }
            try await driver.step { world in
                let requests = world.sent()
                #expect(requests.map(\.header.opcode) == [.options, .startup, .authResponse])
                #expect(requests[2].body == [0, 0, 0, 9, 0] + Array("u".utf8) + [0] + Array("secret".utf8))
                world.receive(bytes: try CQLFixture.bytes("auth-success").withStream(0))
                #expect(world.connection.isReady)
            }
        }
    }

    /// What comes instead of SUPPORTED, of READY, and of AUTH_SUCCESS.
    @Test(arguments: [
        ("error-bad-credentials", CQLError.Code.authentication), ("error-invalid", .notConnected),
        ("void", .decoding), ("authenticate", .decoding),
    ])
    func aHandshakeThatFailsSaysWhy(fixture: String, code: CQLError.Code) async throws {
        for stage in 0...2 {
            // At the second stage it is the question for a password.
            guard stage != 1 || fixture != "authenticate" else { continue }
            let credentials = CQLCredentials(username: "u", password: "p")
            try await CQLConnectionDriver.run({ $0.credentials = credentials }, opens: false) { driver in
                try await driver.step { world in
                    if stage > 0 { world.receive(.supported, [0, 0]) }
                    if stage > 1 { world.receive(.authenticate, [0, 1, 0x78]) }
                    world.receive(bytes: try CQLFixture.bytes(fixture).withStream(0))
                }
                try await driver.step { world in
                    #expect(world.openError?.code == code, "\(fixture) at \(stage)")
                    #expect(world.opened.count == 1)
                    #expect(world.closed.isEmpty, "who never was open does not close")
                }
            }
        }
    }

    @Test func withoutAPasswordNoneIsSent() async throws {
        try await CQLConnectionDriver.run(opens: false) { driver in
            try await driver.step { world in
                world.receive(.supported, [0, 0])
                world.receive(.authenticate, [0, 1, 0x78])
            }
            try await driver.step { world in #expect(world.openError?.code == .authentication) }
        }
        let credentials = CQLCredentials(username: "u", password: "p")
        try await CQLConnectionDriver.run({ $0.credentials = credentials }, opens: false) { driver in
            try await driver.step { world in
                world.receive(.supported, [0, 0])
                world.receive(.authenticate, [0, 1, 0x78])
                world.receive(.authChallenge, [0, 0, 0, 1, 1])
            }
            try await driver.step { world in #expect(world.openError?.code == .authentication) }
        }
    }

    @Test func aHandshakeHasADeadline() async throws {
        try await CQLConnectionDriver.run({ $0.connectTimeout = .milliseconds(20) }, opens: false) { driver in
            #expect(try await driver.until { $0.openError?.code == .notConnected })
            try await driver.step { world in #expect(world.socket.isClosed) }
        }
    }

    @Test(arguments: [0, 1, 2])
    func aServerThatLeavesDuringTheHandshakeIsNotConnected(stage: Int) async throws {
        let credentials = CQLCredentials(username: "u", password: "p")
        try await CQLConnectionDriver.run({ $0.credentials = credentials }, opens: false) { driver in
            try await driver.step { world in
                if stage > 0 { world.receive(.supported, [0, 0]) }
                if stage > 1 { world.receive(.authenticate, [0, 1, 0x78]) }
                world.end()
            }
            try await driver.step { world in #expect(world.openError?.code == .notConnected) }
        }
    }

    @Test func closingDuringTheHandshakeTellsWhoOpened() async throws {
        try await CQLConnectionDriver.run(opens: false) { driver in
            try await driver.step { $0.connection.close() }
            try await driver.step { world in
                #expect(world.openError?.code == .closed)
                #expect(world.opened.count == 1)
            }
        }
    }

    // MARK: Requests

    @Test func answersFindTheirRequestsInAnyOrder() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                for number in 0..<100 { world.send(number) }
                #expect(world.connection.inFlightCount == 100)
            }
            try await driver.step { world in
                let requests = world.sent()
                #expect(requests.map(\.header.stream) == Array(0..<100 as Range<Int16>))
                #expect(requests.enumerated().allSatisfy { $1.body[4...].starts(with: "q\($0)".utf8) })
                for request in requests.reversed() { world.receive(.result, Self.void, stream: request.header.stream) }
                #expect(world.answerOrder == (0..<100).reversed())
                #expect((0..<100).allSatisfy { world.isVoid($0) })
                #expect(world.connection.inFlightCount == 0)
            }
        }
    }

    @Test func theRequestsOfATurnLeaveInOneWrite() async throws {
        try await CQLConnectionDriver.run { driver in
            let before = try await driver.step { world in
                for number in 0..<64 { world.send(number) }
                return world.socket.writeSizes.count
            }
            try await driver.step { world in
                #expect(world.socket.writeSizes.count == before + 1)
                #expect(world.sent().count == 64)
            }
        }
    }

    @Test func answersMayComeInAnyPieces() async throws {
        try await CQLConnectionDriver.run { driver in
            let rows = try CQLFixture.bytes("rows-all-types").withStream(0)
            for pieceBytes in [1, 2, 7, 8, 9, 10, 100] {
                try await driver.step { world in
                    let number = 1_000 + pieceBytes
                    world.send(number)
                    for start in stride(from: 0, to: rows.count, by: pieceBytes) {
                        #expect(world.answers[number] == nil)
                        world.receive(bytes: Array(rows[start..<min(rows.count, start + pieceBytes)]))
                    }
                    guard case .success(let response)? = world.answers[number],
                        case .rows(let result) = response.content
                    else {
                        Issue.record("no rows")
                        return
                    }
                    let text = try result[0].decode("j", as: String.self)
                    #expect(text == "채팅")
                }
            }
        }
    }

    @Test func manyAnswersMayComeInOneRead() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                for number in 0..<10 { world.send(number) }
                let answers = (0..<10 as Range<Int16>).flatMap { CQLFixture.frame(.result, Self.void, stream: $0) }
                world.receive(bytes: answers)
                #expect(world.answerOrder == Array(0..<10))
            }
        }
    }

    @Test func anErrorOfTheServerIsAnAnswer() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.send(1)
                world.receive(bytes: try CQLFixture.bytes("error-unavailable").withStream(0))
                guard case .success(let response)? = world.answers[1], case .error(let error) = response.content else {
                    Issue.record("no error")
                    return
                }
                #expect(error.code == .unavailable(consistency: .quorum, required: 2, alive: 1))
                #expect(world.connection.isReady)
            }
        }
    }

    @Test func whoIsAnsweredMayAskAgainOrClose() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.onAnswer = { world, number in if number < 3 { world.send(number + 1) } }
                world.send(1)
                for _ in 0..<3 { world.receive(.result, Self.void) }
                #expect(world.answerOrder == [1, 2, 3])
                world.onAnswer = { world, _ in world.connection.close() }
                world.send(10)
                world.send(11)
                world.receive(
                    bytes: CQLFixture.frame(.result, Self.void) + CQLFixture.frame(.result, Self.void, stream: 1)
                )
                #expect(world.isVoid(10))
                #expect(world.code(11) == .closed)
            }
            try await driver.step { world in #expect(world.closed.map(\.code) == [.closed]) }
        }
    }

    @Test func aRequestThatCannotBeSentFailsLater() async throws {
        try await CQLConnectionDriver.run({ $0.streamsMax = 2 }) { driver in
            try await driver.step { world in
                for number in 0..<3 { world.send(number) }
                #expect(world.answers.isEmpty, "inside the call")
                #expect(!world.connection.hasFreeStream)
            }
            #expect(try await driver.until { $0.code(2) == .tooManyWaiters })
            try await driver.step { world in
                world.connection.close()
                world.send(4)
                #expect(world.answers[4] == nil)
            }
            #expect(try await driver.until { $0.code(4) == .closed })
        }
    }

    @Test func anOutboxThatIsFullTakesNothing() async throws {
        try await CQLConnectionDriver.run({ $0.outboxBytesMax = 100 }) { driver in
            try await driver.step { world in
                world.socket.writes = Array(repeating: .wouldBlock, count: 50)
                for number in 0..<20 { world.send(number) }
            }
            #expect(try await driver.until { $0.code(19) == .tooManyWaiters })
            try await driver.step { world in #expect(world.answers[0] == nil) }
        }
    }

    // MARK: What a server must not send

    @Test(
        arguments: [
            [0x83, 0, 0, 0, 8, 0, 0, 0, 0], [0x04, 0, 0, 0, 8, 0, 0, 0, 0], [0x84, 0, 0, 0, 4, 0, 0, 0, 0],
            [0x84, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFF], [0x84, 0, 0, 0, 8, 0x10, 0, 0, 0],
            [0x84, 0, 0, 0, 8, 0, 0, 0, 0],
            [0x84, 0, 0, 1, 8, 0, 0, 0, 4, 0, 0, 0, 1], [0x84, 0, 0xFF, 0xFE, 8, 0, 0, 0, 4, 0, 0, 0, 1],
            [0x84, 0, 0xFF, 0xFF, 8, 0, 0, 0, 4, 0, 0, 0, 1], [0x84, 1, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0, 1],
            [0x48, 0x54, 0x54, 0x50, 0x2F, 0x31, 0x2E, 0x31, 0x20],
        ] as [[UInt8]]
    )
    func whatIsNotTheProtocolEndsTheConnection(bytes: [UInt8]) async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.send(1)
                world.receive(bytes: bytes)
                #expect(world.code(1) == .decoding)
                #expect(world.connection.isClosed)
            }
            try await driver.step { world in #expect(world.closed.map(\.code) == [.decoding]) }
        }
    }

    @Test func anAnswerThatNobodyAskedForEndsTheConnection() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.receive(.result, Self.void, stream: 0)
                #expect(world.connection.isClosed)
            }
        }
    }

    // MARK: Events

    @Test func eventsComeBetweenAnswers() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.send(1)
                world.receive(bytes: try CQLFixture.bytes("event-schema-keyspace"))
                world.receive(.event, [0, 1, 0x58], stream: -1)
                world.receive(.result, Self.void)
                let change = CQLSchemaChange(change: "CREATED", keyspace: "captured", target: .keyspace)
                #expect(world.events == [.schema(change), .unknown("X")])
                #expect(world.isVoid(1))
            }
        }
    }

    // MARK: Ends

    @Test func aLostConnectionFailsWhoWaits() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.send(1)
                world.send(2)
                world.receive(.result, Self.void)
                world.end()
                #expect(world.isVoid(1))
                #expect(world.code(2) == .connectionLost)
                #expect(world.closed.isEmpty, "at the end of the turn")
            }
            try await driver.step { world in #expect(world.closed.map(\.code) == [.connectionLost]) }
        }
    }

    @Test func aFailedSocketFailsWhoWaits() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.send(1)
                world.socket.reads.append(.failure(104))
                world.socket.ready(.readable)
            }
            try await driver.step { world in
                #expect(world.code(1) == .connectionLost)
                #expect(world.closed.map(\.code) == [.connectionLost])
            }
        }
    }

    @Test func drainingAnswersThoseUnderWay() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.send(1)
                world.connection.drain()
                #expect(!world.connection.isClosed)
                world.send(2)
                world.receive(.result, Self.void)
                #expect(world.isVoid(1))
                #expect(world.connection.isClosed)
            }
            #expect(try await driver.until { $0.code(2) == .notConnected && $0.closed.map(\.code) == [.closed] })
        }
    }

    // MARK: Deadlines and orphans

    @Test func aRequestHasADeadline() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                world.send(1, within: .milliseconds(20))
                world.send(2)
                world.send(3, within: .milliseconds(1))
            }
            #expect(try await driver.until { $0.code(1) == .timeout && $0.code(3) == .timeout })
            try await driver.step { world in
                #expect(world.answers[2] == nil)
                #expect(world.connection.orphanCount == 2)
                world.receive(.result, Self.void, stream: 0)
                world.receive(.result, Self.void, stream: 1)
                #expect(world.isVoid(2))
                #expect(world.connection.orphanCount == 1)
            }
        }
    }

    @Test func whoGivesUpHearsNothing() async throws {
        try await CQLConnectionDriver.run { driver in
            try await driver.step { world in
                let ticket = try #require(world.send(1))
                world.connection.cancel(ticket)
                world.connection.cancel(ticket)
                world.send(2)
                world.receive(.result, Self.void, stream: 0)
                world.receive(.result, Self.void, stream: 1)
                #expect(world.answers[1] == nil)
                #expect(world.isVoid(2))
            }
        }
    }

    @Test func aSilentServerIsAskedForASignOfLifeAfterADeadline() async throws {
        try await CQLConnectionDriver.run({ $0.heartbeatTimeout = .milliseconds(30) }) { driver in
            try await driver.step { $0.send(1, within: .milliseconds(5)) }
            #expect(try await driver.until { $0.sent().map(\.header.opcode).contains(.options) })
            #expect(try await driver.until { $0.closed.map(\.code) == [.connectionLost] })
        }
    }

    @Test func aSignOfLifeKeepsTheConnection() async throws {
        try await CQLConnectionDriver.run({
            $0.heartbeatInterval = .milliseconds(5)
            $0.heartbeatTimeout = .seconds(4)
        }) { driver in
            for _ in 0..<3 {
                let asked = try await driver.until { world in
                    let requests = world.sent()
                    for request in requests { world.receive(.supported, [0, 0], stream: request.header.stream) }
                    return !requests.isEmpty
                }
                #expect(asked)
            }
            try await driver.step { world in
                #expect(world.connection.isReady)
                #expect(world.connection.inFlightCount == 0)
            }
        }
    }

    @Test func tooManyOldOrphansEndTheConnection() async throws {
        try await CQLConnectionDriver.run({
            $0.orphansMax = 3
            $0.orphanAge = .milliseconds(20)
        }) { driver in
            try await driver.step { world in
                for number in 0..<5 {
                    if let ticket = world.send(number) { world.connection.cancel(ticket) }
                }
                #expect(world.connection.orphanCount == 5)
                #expect(!world.connection.isClosed, "they are young")
            }
            try await Task.sleep(for: .milliseconds(30))
            try await driver.step { world in
                if let ticket = world.send(9) { world.connection.cancel(ticket) }
                #expect(world.connection.isClosed)
            }
            try await driver.step { world in #expect(world.closed.map(\.code) == [.connectionLost]) }
        }
    }
}

extension [UInt8] {
    /// The same frame on another stream.
    func withStream(_ stream: Int16) -> [UInt8] {
        var frame = self
        frame[2] = UInt8(truncatingIfNeeded: stream >> 8)
        frame[3] = UInt8(truncatingIfNeeded: stream)
        return frame
    }
}
