import Testing
import TimingleCore
import TimingleNet
import TimingleTestSupport

/// Over a nats-server of its own, because it is killed and emptied here.
@Suite(.enabled(if: PrivateNATS.isAvailable, "needs nats-server 2.10 or newer; make test installs it"))
struct JetStreamProvisionerTests {
    private func withProvisioner(
        _ server: PrivateNATS,
        _ body: (JetStreamProvisioner, JetStreamClient) async throws -> Void
    ) async throws {
        var configuration = NATSConfiguration(url: server.url)
        configuration.reconnectDelayMin = .milliseconds(20)
        configuration.reconnectDelayMax = .milliseconds(100)
        configuration.publishTimeout = .seconds(10)
        let connection = NATSConnection(configuration: configuration, log: .silent)
        let client = JetStreamClient(connection: connection, log: .silent)
        try await withEventLoopGroup(count: 1) { group in
            let provisioner = JetStreamProvisioner(
                client: client,
                streams: JetStreamTopology.streams(),
                loop: group.nextLoop()
            )
            provisioner.start()
            do {
                try await body(provisioner, client)
            } catch {
                provisioner.stop()
                await connection.close()
                throw error
            }
            provisioner.stop()
            await connection.close()
        }
    }

    private func becomesReady(_ provisioner: JetStreamProvisioner) async throws {
        let end = MonotonicInstant.now + .seconds(30)
        while !provisioner.isReady {
            try #require(MonotonicInstant.now < end, "the streams were not made within 30 s")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test func itIsNotReadyBeforeTheStreamsAreThere() async throws {
        try await PrivateNATS.with(started: false) { server in
            try await self.withProvisioner(server) { provisioner, client in
                #expect(!provisioner.isReady)
                try await server.start()
                try await self.becomesReady(provisioner)
                let receipt = try await client.publish("chat.message.1", [1], id: "a")
                #expect(receipt.sequence == 1)
            }
        }
    }

    @Test func aBrokerThatComesBackEmptyGetsItsStreamsAgain() async throws {
        try await PrivateNATS.with { server in
            try await self.withProvisioner(server) { provisioner, client in
                try await self.becomesReady(provisioner)
                server.kill()
                try server.eraseStore()
                try await server.start()
                // Refused while the connection is away and while the streams are missing.
                let end = MonotonicInstant.now + .seconds(30)
                var sequence: UInt64?
                while sequence == nil {
                    try #require(MonotonicInstant.now < end, "no stream within 30 s")
                    sequence = try? await client.publish("chat.message.1", [1], id: "b").sequence
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(sequence == 1)
                try await self.becomesReady(provisioner)
            }
        }
    }
}
