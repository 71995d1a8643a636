import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// The listener over TLS, where TLS makes a difference.
struct TLSListenerTests {
    private func withListener(
        log: Log = .silent,
        loops: Int = 2,
        configure: (inout HTTPServerConfiguration) throws -> Void = { _ in },
        responder: @escaping HTTPHandler = { request, _ in
            HTTPResponse(.ok, body: .bytes(Array("<\(request.path)>".utf8)))
        },
        _ body: (Listener) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: loops) { group in
            var configuration = HTTPServerConfiguration(log: log, responder: responder)
            configuration.tls = try TestTransport.serverContext.get()
            try configure(&configuration)
            try await TimingleTestSupport.withListener(configuration, group: group, body)
        }
    }

    private func client(_ listener: Listener) throws -> RawClient {
        try RawClient(port: listener.port, transport: .tls)
    }

    // MARK: Many

    /// Clients of one loop.
    ///
    /// Loop-confined.
    private final class Crowd {
        let loop: EventLoop
        var connections: [StreamConnection] = []
        let handlers: [RecordingHandler]

        init(_ loop: EventLoop, count: Int) {
            self.loop = loop
            self.handlers = (0..<count).map { _ in RecordingHandler() }
        }

        func connect(to port: UInt16) throws {
            let context = try TestTransport.clientContext.get()
            guard let address = SocketAddress(parsing: "127.0.0.1", port: port) else { return }
            let socket = SocketStream(try Socket.connecting(to: address))
            let connection = StreamConnection(
                io: TLSStream(socket, context: context, serverName: "localhost", limits: Self.limits),
                loop: self.loop,
                peerAddress: address,
                limits: Shared(Self.streamLimits),
                handler: self.handlers[self.connections.count]
            )
            try connection.open()
            self.connections.append(connection)
        }

        func ask(_ path: String) {
            for connection in self.connections {
                connection.send(Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            }
        }

        /// How many have read `text`; those that ended count, too, and are found out later.
        func answered(_ text: String) -> Int {
            self.handlers.count {
                !$0.closed.isEmpty || String(decoding: $0.received, as: UTF8.self).hasSuffix(text)
            }
        }

        // They all begin at once, on a machine that does other things.
        private static var limits: TLSLimits {
            var limits = TLSLimits()
            limits.handshakeDeadline = .seconds(60)
            return limits
        }

        /// A request waits for the handshake, and the clock for writing runs meanwhile.
        private static var streamLimits: StreamLimits {
            var limits = StreamLimits()
            limits.writeDeadline = .seconds(60)
            return limits
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aThousandConnectionsAtOnceAreServed() async throws {
        let count = 1_000
        try await withEventLoopGroup(count: 1) { clients in
            try await self.withListener { configuration in
                configuration.limits.connections = 2 * count
                configuration.tlsLimits.handshakeDeadline = .seconds(60)
            } _: { listener in
                let loop = clients.loops[0]
                let crowd = try await loop.enter { LoopBound(Crowd(loop, count: count), on: loop) }
                let port = listener.port
                // Not one after the other: all are in the middle of their handshakes.
                try await loop.enter { for _ in 0..<count { try crowd.value.connect(to: port) } }
                try await loop.enter { crowd.value.ask("/first") }
                #expect(
                    try await eventually(90) { try await loop.enter { crowd.value.answered("</first>") } == count }
                )
                #expect(listener.connectionCount == count)
                // All are kept, and serve again.
                try await loop.enter { crowd.value.ask("/second") }
                #expect(
                    try await eventually(60) { try await loop.enter { crowd.value.answered("</second>") } == count }
                )
                try await loop.enter {
                    #expect(crowd.value.handlers.allSatisfy { $0.closed.isEmpty })
                    for connection in crowd.value.connections { connection.closeAfterFlush() }
                }
                #expect(await eventually(30) { listener.connectionCount == 0 })
                try await loop.enter { for connection in crowd.value.connections { connection.abort() } }
                try await loop.enter {}
            }
        }
    }

    // MARK: Ends

    @Test func anEndWithoutCloseNotifyLosesNoAnswer() async throws {
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: 3_000_000)
        let running = Mutex<CheckedContinuation<Void, Never>?>(nil)
        let responder: HTTPHandler = { _, _ in
            await withCheckedContinuation { continuation in running.withLock { $0 = continuation } }
            return HTTPResponse(.ok, body: .bytes(content))
        }
        try await self.withListener(responder: responder) { listener in
            let client = try self.client(listener)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try await waitUntil { running.withLock { $0 != nil } }
            try await client.cut()
            // The server knows of the end before there is an answer.
            try await Task.sleep(for: .milliseconds(50))
            running.withLock { $0 }?.resume()
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.utf8.count > content.count)
        }
    }

    @Test func aRequestThatWasCutIsNotRun() async throws {
        let count = Locked(0)
        try await self.withListener(responder: { _, _ in
            count.withLock { $0 += 1 }
            return HTTPResponse(.ok)
        }) { listener in
            for request in [
                "GET / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345678",
            ] {
                let client = try self.client(listener)
                try await client.send(request)
                try await client.cut()
                #expect(try await client.receiveAll().isEmpty)
            }
            #expect(count.withLock { $0 } == 0)
        }
    }

    // MARK: No TLS

    @Test func plainHTTPIsToldSoAndNobodyIsWoken() async throws {
        let lines = Locked<[LogLine]>([])
        try await self.withListener(log: Log(label: "http", level: .debug, sink: KeptLines(lines))) { listener in
            for method in ["GET", "POST", "HEAD", "PUT"] {
                let client = try RawClient(port: listener.port, transport: .plain)
                try await client.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try await client.receiveAll()
                #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("Connection: close"), "\(method)")
                #expect(answer.hasSuffix("this port speaks HTTPS\n"))
            }
            #expect(await eventually { listener.connectionCount == 0 })
        }
        let said = lines.withLock { $0 }
        #expect(said.contains { $0.message == "tls handshake refused" })
        #expect(said.allSatisfy { $0.level == .debug })
    }

    @Test func theProxysHeaderComesBeforeTheHandshake() async throws {
        try await self.withListener { configuration in
            configuration.proxyProtocolPeers = try [#require(AddressBlock("127.0.0.1"))]
        } responder: { request, _ in
            HTTPResponse(.ok, body: .bytes(Array("<\(request.peerAddress)>".utf8)))
        } _: { listener in
            let client = try self.client(listener)
            try await client.sendBare(ProxyProtocolHeaderTests.ipv4)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await client.receive(until: "<192.0.2.7:56324>")
        }
    }
}
