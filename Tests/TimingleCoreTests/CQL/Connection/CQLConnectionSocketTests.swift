import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

/// Over real sockets of 127.0.0.1, with and without TLS.
struct CQLConnectionSocketTests {
    /// Runs a server and whatever connects to it on one loop.
    private static func run(
        tls: TLSContext? = nil,
        _ body: (EventLoop, LoopBound<CQLScriptedServer>, UInt16) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let server = try await loop.enter { LoopBound(try CQLScriptedServer(loop, tls: tls), on: loop) }
            let port = try await loop.enter { server.value.port }
            try await body(loop, server, port)
            try await loop.enter { server.value.close() }
            try await loop.enter {}
        }
    }

    private static func address(_ port: UInt16) -> SocketAddress { .ipv4(address: 0x7F00_0001, port: port) }

    private static func failure(_ body: () async throws -> Void) async -> CQLError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? CQLError
        }
    }

    @Test func aConnectionIsMadeAndAsked() async throws {
        try await Self.run { loop, _, port in
            let connection = try await CQLTestConnection.open(loop, Self.address(port), CQLConnectionSettings())
            for _ in 0..<20 { try await connection.query("SELECT 1") }
            try await connection.close()
        }
    }

    @Test func nobodyListening() async throws {
        try await Self.run { loop, server, port in
            try await loop.enter { server.value.close() }
            let error = await Self.failure {
                _ = try await CQLTestConnection.open(loop, Self.address(port), CQLConnectionSettings())
            }
            #expect(error?.code == .notConnected)
            #expect(error?.wasSent == false)
        }
    }

    @Test func aServerSeesThePortThatWeChose() async throws {
        try await Self.run { loop, server, port in
            // Any port that is free now; the server's own tells us one.
            let own = try await loop.enter {
                let socket = try Socket.listening(on: Self.address(0))
                return try socket.localAddress().port ?? 0
            }
            let connection = try await CQLTestConnection.open(
                loop,
                Self.address(port),
                CQLConnectionSettings(),
                sourcePort: own
            )
            let seen = try await loop.enter { server.value.peerAddresses.map(\.port) }
            #expect(seen == [own])
            let second = await Self.failure {
                _ = try await CQLTestConnection.open(
                    loop,
                    Self.address(port),
                    CQLConnectionSettings(),
                    sourcePort: own
                )
            }
            #expect(second?.code == .notConnected, "the port is taken")
            try await connection.close()
        }
    }

    @Test func aServerThatDiesIsNoticedWhileSomebodyWaits() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let server = try await loop.enter {
                let server = try CQLScriptedServer(loop) { header, body in
                    header.opcode == .query ? [] : CQLScriptedServer.handshake(header, body)
                }
                return LoopBound(server, on: loop)
            }
            let port = try await loop.enter { server.value.port }
            let connection = try await CQLTestConnection.open(loop, Self.address(port), CQLConnectionSettings())
            async let answer = Self.failure { try await connection.query("SELECT 1") }
            try await waitUntil { try await loop.enter { connection.bound.value.inFlightCount } > 0 }
            try await loop.enter { server.value.cut() }
            let error = await answer
            #expect(error?.code == .connectionLost)
            #expect(error?.isUnknownOutcome == true)
            try await loop.enter { server.value.close() }
        }
    }

    // MARK: TLS

    private static func server() throws -> TLSContext {
        let certificate = TestCertificate.shared
        return try TLSContext(
            server: TLSServerSettings(certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
        )
    }

    private static func settings(_ certificate: TestCertificate, name: String) throws -> CQLConnectionSettings {
        var settings = CQLConnectionSettings()
        settings.tls = try TLSContext(client: TLSClientSettings(trust: .file(certificate.certificateFile)))
        settings.serverName = name
        return settings
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func aServerThatProvesItsNameIsAsked(name: String) async throws {
        try await Self.run(tls: try Self.server()) { loop, _, port in
            let settings = try Self.settings(.shared, name: name)
            let connection = try await CQLTestConnection.open(loop, Self.address(port), settings)
            for _ in 0..<20 { try await connection.query("SELECT 1") }
            let long = String(repeating: "x", count: 100_000)
            try await connection.query(long)
            try await connection.close()
        }
    }

    @Test func aServerOfAnotherNameOrAuthorityIsNot() async throws {
        try await Self.run(tls: try Self.server()) { loop, _, port in
            for settings in [
                try Self.settings(.shared, name: "db.example.org"), try Self.settings(.other, name: "localhost"),
                try Self.settings(.shared, name: "127.0.0.2"),
            ] {
                let error = await Self.failure {
                    _ = try await CQLTestConnection.open(loop, Self.address(port), settings)
                }
                #expect(error?.code == .tls && error?.wasSent == false)
                #expect(error?.underlying?.contains("certificate not trusted") == true)
            }
        }
    }

    @Test func aServerThatWantsTLSIsNotAskedInPlainText() async throws {
        try await Self.run(tls: try Self.server()) { loop, _, port in
            let error = await Self.failure {
                _ = try await CQLTestConnection.open(loop, Self.address(port), CQLConnectionSettings())
            }
            #expect(error?.code == .notConnected)
            #expect(error?.message.hasSuffix("before it answered") == true)
        }
    }

    @Test func aServerWithoutTLSIsNot() async throws {
        try await Self.run { loop, _, port in
            var settings = try Self.settings(.shared, name: "localhost")
            settings.connectTimeout = .milliseconds(500)
            let final = settings
            let error = await Self.failure {
                _ = try await CQLTestConnection.open(loop, Self.address(port), final)
            }
            #expect(error?.code == .notConnected)
        }
    }
}
