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
}
