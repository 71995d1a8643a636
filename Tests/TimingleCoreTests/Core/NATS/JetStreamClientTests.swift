import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Over a nats-server of its own, because it is killed here.
@Suite(.enabled(if: PrivateNATS.isAvailable, "needs nats-server 2.10 or newer; make test installs it"))
struct JetStreamClientTests {
    private func withClient(
        _ server: PrivateNATS,
        change: (inout NATSConfiguration) -> Void = { _ in },
        _ body: (JetStreamClient) async throws -> Void
    ) async throws {
        var configuration = NATSConfiguration(url: server.url)
        configuration.reconnectDelayMin = .milliseconds(20)
        configuration.reconnectDelayMax = .milliseconds(100)
        // Each item is on the disk before it is acknowledged, and a disk may be busy.
        configuration.publishTimeout = .seconds(30)
        change(&configuration)
        let connection = NATSConnection(configuration: configuration, log: .silent)
        let client = JetStreamClient(connection: connection, log: .silent)
        do {
            try await body(client)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    private func error<Value>(_ body: () async throws(NATSError) -> Value) async -> NATSError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test func theStreamsAreMadeAsTheBriefSaysAndChangedWhenTheyDiffer() async throws {
        try await PrivateNATS.with { server in
            try await self.withClient(server) { client in
                try await client.ensureStreams(JetStreamTopology.streams())
                let info = try await client.connection.request(
                    "$JS.API.STREAM.INFO.CHAT_MESSAGES",
                    timeout: .seconds(5)
                )
                guard case .object(let fields) = try JSONReader.parse(info.payload),
                    case .object(let config)? = fields["config"]
                else {
                    Issue.record("no configuration")
                    return
                }
                #expect(config["subjects"] == .array([.string("chat.message.*")]))
                #expect(config["max_age"] == .integer(86_400_000_000_000))
                #expect(config["storage"] == .string("file"))
                #expect(config["discard"] == .string("new"))
                #expect(config["duplicate_window"] == .integer(120_000_000_000))
                #expect(config["allow_direct"] == .bool(true))

                // Again, and with another limit.
                try await client.ensureStreams(JetStreamTopology.streams(chatBytesMax: 1 << 20))
                let changed = try await client.connection.request(
                    "$JS.API.STREAM.INFO.CHAT_MESSAGES",
                    timeout: .seconds(5)
                )
                let text = String(decoding: changed.payload, as: UTF8.self)
                #expect(text.contains("\"max_bytes\":1048576"))
            }
        }
    }

    @Test func appendsAreArbitratedByTheExpectedLastSequence() async throws {
        try await PrivateNATS.with { server in
            try await self.withClient(server) { client in
                try await client.ensureStreams(JetStreamTopology.streams())
                let first = try await client.publish("chat.message.7", [1], id: "a", expectedLast: 0)
                #expect(first.isDuplicate == false)
                // The expectation is looked at before the id.
                let stale = await self.error { () throws(NATSError) in
                    try await client.publish("chat.message.7", [1], id: "a", expectedLast: 0)
                }
                #expect(stale?.asBrokerError == .wrongLastSequence)
                let again = try await client.publish("chat.message.7", [1], id: "a", expectedLast: first.sequence)
                #expect(again.isDuplicate)
                #expect(again.sequence == first.sequence)
                // Another room's sequence is its own.
                let other = try await client.publish("chat.message.8", [9], id: "b", expectedLast: 0)
                let refused = await self.error { () throws(NATSError) in
                    try await client.publish("chat.message.7", [2], id: "c", expectedLast: 0)
                }
                #expect(refused?.asBrokerError == .wrongLastSequence)
                let second = try await client.publish("chat.message.7", [2], id: "c", expectedLast: first.sequence)
                let last = try await client.lastMessage(stream: "CHAT_MESSAGES", subject: "chat.message.7")
                #expect(last == BrokerItem(sequence: second.sequence, payload: [2]))
                let next = try await client.nextMessage(
                    stream: "CHAT_MESSAGES",
                    subject: "chat.message.7",
                    from: other.sequence
                )
                #expect(next?.sequence == second.sequence)
                let none = try await client.lastMessage(stream: "CHAT_MESSAGES", subject: "chat.message.99")
                #expect(none == nil)
                let gone = try await client.message(stream: "CHAT_MESSAGES", sequence: 12_345)
                #expect(gone == nil)
            }
        }
    }

    @Test func aRangeOfTheStreamIsReadInOrder() async throws {
        try await PrivateNATS.with { server in
            try await self.withClient(server) { client in
                try await client.ensureStreams(JetStreamTopology.streams())
                for number in UInt8(1)...9 {
                    _ = try await client.publish("chat.message.\(number % 2)", [number], id: "\(number)")
                }
                _ = try await client.connection.request(
                    "$JS.API.STREAM.MSG.DELETE.CHAT_MESSAGES",
                    Array("{\"seq\":4}".utf8),
                    timeout: .seconds(5)
                )
                let items = try await client.messages(stream: "CHAT_MESSAGES", at: 3...12)
                #expect(items.map(\.sequence) == [3, 5, 6, 7, 8, 9])
                #expect(items.map(\.payload) == [[3], [5], [6], [7], [8], [9]])
                let first = try await client.nextMessage(stream: "CHAT_MESSAGES", subject: ">", from: 4)
                #expect(first?.sequence == 5)
                let none = try await client.nextMessage(stream: "CHAT_MESSAGES", subject: ">", from: 10)
                #expect(none == nil)
            }
        }
    }

    @Test func aSubjectWithoutAStreamIsNoResponder() async throws {
        try await PrivateNATS.with { server in
            try await self.withClient(server) { client in
                #expect(await eventually { client.connection.isConnected })
                let error = await self.error { () throws(NATSError) in
                    try await client.publish("nobody.listens", [1], id: "x")
                }
                #expect(error?.code == .noResponders)
            }
        }
    }

    @Test func theConnectionComesUpWithTheServerAwayAndHeals() async throws {
        try await PrivateNATS.with(started: false) { server in
            try await self.withClient(server) { client in
                let error = await self.error { () throws(NATSError) in
                    try await client.publish("chat.message.1", [1], id: "x")
                }
                #expect(error?.code == .disconnected)
                async let ensured: Void = client.ensureStreams(JetStreamTopology.streams())
                try await server.start()
                try await ensured
                let ack = try await client.publish("chat.message.1", [1], id: "x")
                #expect(ack.sequence == 1)
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func closingEndsAlsoWhileTheServerIsAway() async throws {
        try await PrivateNATS.with(started: false) { server in
            // Never there.
            try await self.withClient(server) { _ in }
            try await self.withClient(server) { _ in try await Task.sleep(for: .milliseconds(200)) }
            // There, and then gone.
            try await server.start()
            try await self.withClient(server) { client in
                #expect(await eventually { client.connection.isConnected })
                server.kill()
                #expect(await eventually { !client.connection.isConnected })
                let error = await self.error { () throws(NATSError) in
                    try await client.publish("chat.message.1", [1], id: "x")
                }
                #expect(error?.code == .disconnected)
            }
        }
    }

    @Test func aServerThatFallsSilentIsATimeoutAndThenAReconnect() async throws {
        try await PrivateNATS.with { server in
            try await self.withClient(server) { configuration in
                configuration.publishTimeout = .milliseconds(300)
                configuration.pingInterval = .milliseconds(500)
            } _: { client in
                try await client.ensureStreams(JetStreamTopology.streams())
                server.pause()
                let error = await self.error { () throws(NATSError) in
                    try await client.publish("chat.message.1", [1], id: "x")
                }
                #expect(error?.code == .timeout)
                #expect(error?.asBrokerError == .outcomeUnknown(error?.description ?? ""))
                #expect(await eventually { !client.connection.isConnected })
                server.resume()
                #expect(await eventually { client.connection.isConnected })
                // Whether the first one arrived is not known; with the same id it is there once.
                #expect(await eventually { (try? await client.publish("chat.message.1", [1], id: "x")) != nil })
                let last = try await client.lastMessage(stream: "CHAT_MESSAGES", subject: "chat.message.1")
                #expect(last?.sequence == 1)
            }
        }
    }

    @Test func nothingAcknowledgedIsLostWhenTheServerIsKilled() async throws {
        try await PrivateNATS.with { server in
            // What a killed server has not answered is waited for until its time is up.
            try await self.withClient(server, change: { $0.publishTimeout = .seconds(2) }) { client in
                try await client.ensureStreams(JetStreamTopology.streams())
                let acked = Locked<[UInt64]>([])
                let isDone = Locked(false)
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for room in 1...4 {
                        tasks.addTask {
                            var number = 0
                            while !isDone.withLock({ $0 }) {
                                number += 1
                                do {
                                    let ack = try await client.publish(
                                        "chat.message.\(room)",
                                        Array("\(room)/\(number)".utf8),
                                        id: "\(room)/\(number)"
                                    )
                                    acked.withLock { $0.append(ack.sequence) }
                                } catch {
                                    try await Task.sleep(for: .milliseconds(5))
                                }
                            }
                        }
                    }
                    for _ in 0..<2 {
                        let before = acked.withLock { $0.count }
                        #expect(await eventually { acked.withLock { $0.count } > before + 200 })
                        server.kill()
                        try await server.start()
                    }
                    let before = acked.withLock { $0.count }
                    #expect(await eventually { acked.withLock { $0.count } > before + 50 })
                    isDone.withLock { $0 = true }
                    try await tasks.waitForAll()
                }
                let sequences = acked.withLock { $0 }
                for sequence in sequences {
                    let item = try await client.message(stream: "CHAT_MESSAGES", sequence: sequence)
                    #expect(item != nil, "acknowledged message \(sequence) is gone")
                }
            }
        }
    }
}
