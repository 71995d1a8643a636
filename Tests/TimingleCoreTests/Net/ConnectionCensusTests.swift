import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct ConnectionCensusTests {
    private func address(_ text: String) throws -> SocketAddress {
        try #require(SocketAddress(parsing: text, port: 1))
    }

    @Test func aNetworkIsServedThenToldThenDropped() throws {
        let census = try #require(ConnectionCensus(connectionsMax: 3, exempt: []))
        let client = try self.address("192.0.2.1")
        for _ in 0..<3 { #expect(census.enter(client) == .admitted) }
        for _ in 0..<ConnectionCensus.refusalsMax { #expect(census.enter(client) == .refused) }
        #expect(census.enter(client) == .dropped)
        #expect(census.enter(try self.address("192.0.2.2")) == .admitted)
        // Who is only told holds no place.
        census.leave(client, wasRefused: false)
        #expect(census.enter(client) == .admitted)
        census.leave(client, wasRefused: true)
        #expect(census.enter(client) == .refused)
        #expect(census.enter(client) == .dropped)
        for _ in 0..<3 { census.leave(client, wasRefused: false) }
        for _ in 0..<ConnectionCensus.refusalsMax { census.leave(client, wasRefused: true) }
        #expect(census.networkCount == 1)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true), ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("::1", "127.0.0.1", false), ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
    ])
    func anIPv6AddressCountsForItsNetwork(one: String, other: String, isSame: Bool) throws {
        let census = try #require(ConnectionCensus(connectionsMax: 1, exempt: []))
        #expect(census.enter(try self.address(one)) == .admitted)
        #expect(census.enter(try self.address(other)) == (isSame ? .refused : .admitted))
    }

    @Test func proxiesAndUnixPeersAreNotCounted() throws {
        let exempt = [try #require(AddressBlock("10.0.0.0/8"))]
        let census = try #require(ConnectionCensus(connectionsMax: 1, exempt: exempt))
        for peer in ["10.1.2.3", "::ffff:10.1.2.3", "/run/x.sock"] {
            let peer = try self.address(peer)
            for _ in 0..<100 { #expect(census.enter(peer) == .admitted) }
            for _ in 0..<100 { census.leave(peer, wasRefused: false) }
        }
        #expect(census.networkCount == 0)
        #expect(ConnectionCensus(connectionsMax: .max, exempt: []) == nil)
    }

    @Test func theTableHoldsNobodyWhoHasLeft() throws {
        let census = try #require(ConnectionCensus(connectionsMax: 4, exempt: []))
        var generator = SeededGenerator(seed: 7)
        var model: [UInt32: (admitted: Int, refused: Int)] = [:]
        for _ in 0..<50_000 {
            let key = UInt32.random(in: 0..<40, using: &generator)
            let client = SocketAddress.ipv4(address: key, port: .random(in: 1...9, using: &generator))
            var count = model[key] ?? (0, 0)
            if Bool.random(using: &generator) {
                let verdict = census.enter(client)
                if count.admitted < 4 {
                    #expect(verdict == .admitted)
                    count.admitted += 1
                } else if count.refused < ConnectionCensus.refusalsMax {
                    #expect(verdict == .refused)
                    count.refused += 1
                } else {
                    #expect(verdict == .dropped)
                }
            } else if Bool.random(using: &generator), count.admitted > 0 {
                census.leave(client, wasRefused: false)
                count.admitted -= 1
            } else if count.refused > 0 {
                census.leave(client, wasRefused: true)
                count.refused -= 1
            }
            model[key] = count == (0, 0) ? nil : count
        }
        #expect(census.networkCount == model.count)
    }

    @Test func aFloodIsLoggedNowAndThen() throws {
        final class Count: LogSink {
            let addresses = Mutex<[String]>([])
            func write(_ line: LogLine) { self.addresses.withLock { $0.append(line.message) } }
        }
        let sink = Count()
        let log = Log(label: "test", level: .warning, sink: sink)
        let census = try #require(ConnectionCensus(connectionsMax: 1, exempt: [], log: log))
        let client = try self.address("192.0.2.1")
        for _ in 0..<100 { _ = census.enter(client) }
        #expect(sink.addresses.withLock { $0 } == ["an address has too many connections"])
        let now = MonotonicInstant.now
        #expect(!census.tell(client, now: now + .seconds(5)))
        #expect(census.tell(client, now: now + .seconds(11)))
        #expect(!census.tell(client, now: now + .seconds(20)))
    }
}
