import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct ProxyProtocolGateTests {
    private static let request = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)

    private func withListener(
        deadline: Duration = .seconds(5),
        perNetwork: Int = .max,
        trusted: String = "127.0.0.1",
        loops: Int = 2,
        _ body: (Listener) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: loops) { group in
            var configuration = HTTPServerConfiguration { request, _ in
                HTTPResponse(.ok, body: .bytes(Array("<\(request.peerAddress)>".utf8)))
            }
            configuration.proxyProtocolPeers = try [#require(AddressBlock(trusted))]
            configuration.uncountedPeers = configuration.proxyProtocolPeers
            configuration.limits.proxyHeaderDeadline = deadline
            configuration.limits.connectionsPerNetwork = perNetwork
            try await TimingleTestSupport.withListener(configuration, group: group, body)
        }
    }

    @Test func theClientIsWhomTheHeaderNames() async throws {
        try await self.withListener { listener in
            for (header, client) in [
                (ProxyProtocolHeaderTests.ipv4, "<192.0.2.7:56324>"),
                (ProxyProtocolHeaderTests.ipv6, "<[2001:db8::7]:12345>"),
                (ProxyProtocolHeaderTests.header(command: 0x20, 0, []), "<127.0.0.1:"),
            ] {
                let proxy = try RawClient(port: listener.port)
                try await proxy.send(header + Self.request)
                _ = try await proxy.receive(until: client)
                // The header comes once; what follows are requests of the same client.
                try await proxy.send(Self.request)
                _ = try await proxy.receive(until: client)
            }
        }
    }

    @Test func everySplitOfHeaderAndRequestIsReadTheSame() async throws {
        try await self.withListener { listener in
            let bytes = ProxyProtocolHeaderTests.ipv4 + Self.request
            for cut in 1..<bytes.count {
                let proxy = try RawClient(port: listener.port)
                try await proxy.send(Array(bytes[..<cut]))
                try await Task.sleep(for: .milliseconds(1))
                try await proxy.send(Array(bytes[cut...]))
                _ = try await proxy.receive(until: "<192.0.2.7:56324>")
            }
        }
    }

    @Test func nobodyElseIsBelieved() async throws {
        try await self.withListener(trusted: "127.0.0.2") { listener in
            let stranger = try RawClient(port: listener.port)
            try await stranger.send(ProxyProtocolHeaderTests.ipv4 + Self.request)
            #expect(try await stranger.receiveAll().hasPrefix("HTTP/1.1 400 "))
            let direct = try RawClient(port: listener.port)
            try await direct.send(Self.request)
            _ = try await direct.receive(until: "<127.0.0.1:")
            let proxy = try RawClient(port: listener.port, from: "127.0.0.2")
            try await proxy.send(ProxyProtocolHeaderTests.ipv4 + Self.request)
            _ = try await proxy.receive(until: "<192.0.2.7:56324>")
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PROXY TCP4 192.0.2.7 203.0.113.1 1 2\r\n", "\u{16}\u{3}\u{1}",
    ])
    func aTrustedPeerWithoutAHeaderIsClosedWithoutAnAnswer(text: String) async throws {
        try await self.withListener { listener in
            let proxy = try RawClient(port: listener.port)
            try await proxy.send(text)
            // Closed with bytes unread, which is a reset.
            do {
                #expect(try await proxy.receiveAll().isEmpty)
            } catch let error as RawClient.Failure {
                #expect(error.description == "recv: 104")
            }
        }
    }

    @Test func aHeaderHasADeadlineWhateverThePaceOfItsBytes() async throws {
        try await self.withListener(deadline: .milliseconds(150)) { listener in
            let silent = try RawClient(port: listener.port)
            let slow = try RawClient(port: listener.port)
            // The bytes would take four times as long.
            await #expect(throws: RawClient.Failure.self) {
                for byte in ProxyProtocolHeaderTests.ipv4 {
                    try await slow.send([byte])
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            #expect(try await silent.receiveAll().isEmpty)
        }
    }

    @Test func aProxyThatGoesAwayBeforeItsHeaderLeavesNothing() async throws {
        try await self.withListener(loops: 1) { listener in
            for sent in [[], Array(ProxyProtocolHeaderTests.ipv4[..<20])] {
                do {
                    let proxy = try RawClient(port: listener.port)
                    try await proxy.send(sent)
                    if sent.isEmpty { proxy.resetOnClose() }
                }
                let witness = try RawClient(port: listener.port)
                try await witness.send(ProxyProtocolHeaderTests.ipv4 + Self.request)
                _ = try await witness.receive(until: "<192")
                // The end may be read a turn behind the witness.
                #expect(await eventually { listener.connectionCount == 1 })
                try await witness.finishSending()
                _ = try await witness.receiveAll()
            }
        }
    }

    @Test func theEndDoesNotWaitForHeaders() async throws {
        try await self.withListener(deadline: .seconds(60)) { listener in
            let silent = try RawClient(port: listener.port)
            let witness = try RawClient(port: listener.port)
            try await witness.send(ProxyProtocolHeaderTests.ipv4 + Self.request)
            _ = try await witness.receive(until: "<192")
            #expect(await listener.drain(deadline: .seconds(3)))
            #expect(try await silent.receiveAll().isEmpty)
        }
    }

    @Test func clientsAreCountedByWhomTheHeaderNames() async throws {
        try await self.withListener(perNetwork: 2) { listener in
            func client(_ last: UInt8) async throws -> RawClient {
                let client = try RawClient(port: listener.port)
                var header = ProxyProtocolHeaderTests.ipv4
                header[19] = last
                try await client.send(header + Self.request)
                return client
            }
            let first = try await client(1)
            let second = try await client(1)
            _ = try await first.receive(until: "<192.0.2.1:")
            _ = try await second.receive(until: "<192.0.2.1:")
            let third = try await client(1)
            let refusal = try await third.receiveAll()
            #expect(refusal.hasPrefix("HTTP/1.1 429 ") && refusal.contains("Connection: close"))
            #expect(refusal.contains("Retry-After: "))
            let other = try await client(2)
            _ = try await other.receive(until: "<192.0.2.2:")
            try await first.finishSending()
            _ = try await first.receiveAll()
            // Its end is on its way.
            while true {
                let again = try await client(1)
                if (try? await again.receive(until: "<192.0.2.1:")) != nil { break }
            }
        }
    }
}
