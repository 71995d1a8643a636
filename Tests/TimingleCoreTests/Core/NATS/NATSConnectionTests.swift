import Synchronization
import Testing
import TimingleCore
import TimingleNet
import TimingleTestSupport

/// Over a nats-server of its own.
@Suite(.enabled(if: PrivateNATS.isAvailable, "needs nats-server 2.10 or newer; make test installs it"))
struct NATSConnectionTests {
    /// The connection may come up before, between and after the steps of a subscription.
    @Test func whoSubscribesWhileTheConnectionComesUpHearsEachMessageOnce() async throws {
        try await PrivateNATS.with { server in
            // A connection does not hear itself.
            let publisher = NATSConnection(configuration: NATSConfiguration(url: server.url), log: .silent)
            try await self.answers(publisher)
            for round in 0..<40 {
                let connection = NATSConnection(configuration: NATSConfiguration(url: server.url), log: .silent)
                let heard = Mutex<[String: Int]>([:])
                let subjects = (0..<8).map { "once.\(round).\($0)" }
                for subject in subjects {
                    connection.subscribe(subject) { message in
                        heard.withLock { $0[message.subject, default: 0] += 1 }
                    }
                    if round % 2 == 1 { await Task.yield() }
                }
                try await self.answers(connection)
                for subject in subjects { publisher.publish(NATSOutgoing(subject: subject, payload: [1])) }
                let end = MonotonicInstant.now + .seconds(30)
                while heard.withLock({ $0.count }) < subjects.count {
                    try #require(MonotonicInstant.now < end, "round \(round): only \(heard.withLock { $0 }) was heard")
                    try await Task.sleep(for: .milliseconds(1))
                }
                // A second copy of anything would be before the answer to what was asked later.
                try await self.answers(publisher)
                try await self.answers(connection)
                #expect(heard.withLock { $0.values.allSatisfy { $0 == 1 } }, "round \(round)")
                await connection.close()
            }
            await publisher.close()
        }
    }

    private func answers(_ connection: NATSConnection) async throws {
        let end = MonotonicInstant.now + .seconds(30)
        while (try? await connection.request("$JS.API.INFO", timeout: .seconds(2))) == nil {
            try #require(MonotonicInstant.now < end, "no answer within 30 s")
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
