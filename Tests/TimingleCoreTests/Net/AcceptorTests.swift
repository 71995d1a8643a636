import Foundation
import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct AcceptorTests {
    private final class WarningCount: LogSink {
        let count = Mutex(0)
        func write(_ line: LogLine) {
            if line.message == "connection limit reached" { self.count.withLock { $0 += 1 } }
        }
    }

    @Test func aFloodAtTheLimitIsToldOnceAndNobodyIsForgotten() async throws {
        let warnings = WarningCount()
        try await withEventLoopGroup(count: 1) { group in
            var configuration = HTTPServerConfiguration(
                log: Log(label: "test", level: .warning, sink: warnings),
                responder: { _, _ in HTTPResponse(.ok) }
            )
            configuration.limits.connections = 1
            try configuration.useTestTransport()
            let listener = try await Listener.bind(configuration, group: group)
            let first = try RawClient(port: listener.port)
            try await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await first.receive(until: "200")
            // One is served, sixteen are told 503 and keep their sockets, the others wait for room.
            var clients: [RawClient] = []
            for _ in 0..<40 { clients.append(try RawClient(port: listener.port)) }
            while let client = clients.first {
                #expect(try await client.receiveAll().hasPrefix("HTTP/1.1 503 "))
                clients.removeFirst()
            }
            await listener.close()
        }
        #expect(warnings.count.withLock { $0 } == 1)
    }

    @Test func oneAddressMayNotTakeAllPlaces() async throws {
        try await withEventLoopGroup(count: 2) { group in
            var configuration = HTTPServerConfiguration { _, _ in HTTPResponse(.ok) }
            configuration.limits.connectionsPerNetwork = 2
            try configuration.useTestTransport()
            let listener = try await Listener.bind(configuration, group: group)
            func client(from address: String) async throws -> RawClient {
                let client = try RawClient(port: listener.port, from: address)
                try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return client
            }
            var served: [RawClient] = []
            for address in ["127.0.0.1", "127.0.0.1", "127.0.0.2"] {
                served.append(try await client(from: address))
                _ = try await served.last?.receive(until: "200")
            }
            if TestTransport.current == .plain {
                let refused = try await client(from: "127.0.0.1").receiveAll()
                #expect(refused.hasPrefix("HTTP/1.1 429 ") && refused.contains("Connection: close"))
            }
            // Those who do not even go away when told are not told without end.
            var stubborn: [RawClient] = []
            for _ in 0..<40 { stubborn.append(try RawClient(port: listener.port, from: "127.0.0.1")) }
            _ = try await client(from: "127.0.0.2").receive(until: "200")
            #expect(listener.connectionCount <= 4 + ConnectionCensus.refusalsMax)
            stubborn = []
            served = []
            // Their ends are on their way; a client that comes again is served before long.
            while true {
                if (try? await client(from: "127.0.0.1").receive(until: "200")) != nil { break }
            }
            await listener.close()
        }
    }

    @Test func whoComesTooOftenGetsNoHandshake() async throws {
        try await withEventLoopGroup(count: 1) { group in
            var configuration = HTTPServerConfiguration { _, _ in HTTPResponse(.ok) }
            configuration.tls = try TestTransport.serverContext.get()
            configuration.limits.connectionsPerNetwork = 1
            configuration.proxyProtocolPeers = [try #require(AddressBlock("127.0.0.2"))]
            configuration.uncountedPeers = configuration.proxyProtocolPeers
            let listener = try await Listener.bind(configuration, group: group)
            let served = try RawClient(port: listener.port, transport: .tls)
            try await served.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await served.receive(until: "200")
            // Nothing was said by either side.
            let refused = try RawClient(port: listener.port, transport: .plain)
            #expect(try await refused.receiveAll().isEmpty)
            // Behind a proxy the header comes first, in the clear, and then the same holds for whom it names.
            var proxied: [RawClient] = []
            for _ in 0..<2 {
                proxied.append(try RawClient(port: listener.port, from: "127.0.0.2", transport: .plain))
                try await proxied.last?.send(ProxyProtocolHeaderTests.ipv4)
            }
            #expect(try await proxied[1].receiveAll().isEmpty)
            #expect(listener.connectionCount == 2)
            proxied = []
            await listener.close()
        }
    }

    @Test func aClosedListenerIsLetGo() async throws {
        final class Witness: LogSink {
            func write(_ line: LogLine) {}
        }
        weak var witness: Witness?
        try await withEventLoopGroup(count: 2) { group in
            let sink = Witness()
            witness = sink
            let log = Log(label: "test", level: .error, sink: sink)
            let configuration = HTTPServerConfiguration(log: log, responder: { _, _ in HTTPResponse(.ok) })
            let listener = try await Listener.bind(configuration, group: group)
            await listener.close()
        }
        #expect(witness == nil)
    }

    @Test func aUnixSocketsFileIsInNobodysWay() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("s").path
        let address = try #require(SocketAddress(parsing: path, port: 0))
        try await withEventLoopGroup(count: 1) { group in
            let configuration = HTTPServerConfiguration(address: path) { _, _ in HTTPResponse(.ok) }
            // Left by somebody who was killed.
            do { _ = try Socket.listening(on: address) }
            #expect(FileManager.default.fileExists(atPath: path))
            let first = try await Listener.bind(configuration, group: group)
            // Somebody listens.
            await #expect(throws: ListenerError.self) { try await Listener.bind(configuration, group: group) }
            await first.close()
            #expect(!FileManager.default.fileExists(atPath: path))
            // Somebody else's file.
            try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
            await #expect(throws: ListenerError.self) { try await Listener.bind(configuration, group: group) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("precious".utf8))
        }
    }
}
