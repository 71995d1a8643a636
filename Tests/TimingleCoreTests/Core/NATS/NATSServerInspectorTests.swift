import Synchronization
import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

/// Over nats-servers of its own, whose configuration is what is asked about.
@Suite(.enabled(if: PrivateNATS.isAvailable, "needs nats-server 2.10 or newer; make test installs it"))
struct NATSServerInspectorTests {
    /// Keeps log lines.
    private final class Lines: LogSink {
        private let state = Mutex<[LogLine]>([])
        var warnings: [String] { self.state.withLock { $0 }.filter { $0.level == .warning }.map(\.message) }
        var count: Int { self.state.withLock { $0.count } }
        func write(_ line: LogLine) { self.state.withLock { $0.append(line) } }
    }

    /// The facts and the warnings once the inspector has spoken.
    private func inspect(
        _ server: PrivateNATS,
        monitorURL: String?
    ) async throws -> (facts: NATSServerFacts, warnings: [String]) {
        let lines = Lines()
        let log = Log(label: "test", level: .info, sink: lines)
        let connection = NATSConnection(configuration: NATSConfiguration(url: server.url), log: .silent)
        let inspector = NATSServerInspector(
            connection: connection,
            monitorURL: monitorURL,
            retryDelay: .milliseconds(5),
            log: log
        )
        for _ in 0..<2_000 where lines.count == 0 { try await Task.sleep(for: .milliseconds(5)) }
        let facts = inspector.facts
        await connection.close()
        return (facts, lines.warnings)
    }

    @Test func aBrokerThatSyncsFirstIsKnownAsOneWithoutAWarning() async throws {
        try await PrivateNATS.with { server in
            let (facts, warnings) = try await self.inspect(server, monitorURL: server.monitorURL)
            let version = try #require(facts.version)
            #expect(version.hasPrefix("2."))
            #expect(facts.sync == .always)
            #expect(warnings.isEmpty)
        }
    }

    @Test func aBrokerThatSyncsLaterIsWarnedOfLoudly() async throws {
        try await PrivateNATS.with(syncsAlways: false) { server in
            let (facts, warnings) = try await self.inspect(server, monitorURL: server.monitorURL)
            #expect(facts.sync == .interval)
            #expect(warnings.count == 1)
            #expect(warnings.first?.hasPrefix("THE BROKER ACKNOWLEDGES BEFORE IT SYNCS") == true)
        }
    }

    @Test func withoutAMonitorTheVersionIsKnownAndTheRestUnknown() async throws {
        try await PrivateNATS.with { server in
            let (facts, warnings) = try await self.inspect(server, monitorURL: nil)
            #expect(facts.version != nil)
            #expect(facts.sync == .unknown)
            #expect(warnings.isEmpty)
        }
    }

    @Test func aMonitorThatIsNoneIsWarnedOf() async throws {
        try await PrivateNATS.with { server in
            // The client port speaks another protocol.
            let wrong = "http://127.0.0.1:\(server.port)"
            let (facts, warnings) = try await self.inspect(server, monitorURL: wrong)
            #expect(facts.version != nil)
            #expect(facts.sync == .unknown)
            #expect(warnings.count == 1)
        }
    }

    @Test func aServerThatSaysNothingCostsNoMoreThanTheDeadline() throws {
        // The kernel accepts, nobody answers.
        let socket = try Socket.listening(on: .ipv4(address: 0x7f00_0001, port: 0))
        let port = try #require(try socket.localAddress().port)
        let endpoint = try #require(NATSEndpoint(url: "nats://127.0.0.1:\(port)", defaultPort: 0))
        let begin = MonotonicInstant.now
        let info = NATSServerProbe(endpoint: endpoint, timeout: .milliseconds(100)).info()
        #expect(info == nil)
        #expect(begin.duration(to: .now) < .seconds(5))
    }
}
