internal import Synchronization

/// Counts the connections of each client network, and says who has too many.
///
/// Any thread (Mutex). A network without a connection has no entry, so that the listener's limit on connections
/// bounds the table as well.
final class ConnectionCensus: Sendable {
    enum Verdict: Equatable, Sendable {
        case admitted
        /// Too many: it is counted, to be told so.
        case refused
        /// Too many even of those that are told: it is not counted, and its end must not be.
        case dropped
    }

    /// How many connections of a network may be told at once that they are too many; telling one takes a moment, and
    /// a peer that does not listen to it keeps it for the length of the linger deadline.
    static let refusalsMax = 16

    private static let tellInterval: Duration = .seconds(10)

    private let connectionsMax: Int
    private let exempt: [AddressBlock]
    private struct Count {
        var admitted = 0
        var refused = 0
    }

    private let counts = Mutex<[ClientNetwork: Count]>([:])
    private let log: Log
    /// When the log was last told of a refusal: under a flood they come by the thousand.
    private let lastTold = Mutex<MonotonicInstant?>(nil)

    /// Nil where nothing would be counted.
    init?(connectionsMax: Int, exempt: [AddressBlock], log: Log = .silent) {
        guard connectionsMax < Int.max else { return nil }
        self.log = log
        self.connectionsMax = connectionsMax
        self.exempt = exempt
    }

    /// Counts a connection unless it is one too many; each one that was not dropped has to `leave`.
    func enter(_ address: SocketAddress) -> Verdict {
        guard let network = self.network(of: address) else { return .admitted }
        let verdict = self.count(network)
        if verdict != .admitted { self.tell(address, now: .now) }
        return verdict
    }

    private func count(_ network: ClientNetwork) -> Verdict {
        self.counts.withLock { counts in
            var count = counts[network] ?? Count()
            defer { counts[network] = count }
            if count.admitted < self.connectionsMax {
                count.admitted += 1
                return .admitted
            }
            guard count.refused < Self.refusalsMax else { return .dropped }
            count.refused += 1
            return .refused
        }
    }

    /// A connection that was counted has ended; `wasRefused` is what `enter` had said.
    func leave(_ address: SocketAddress, wasRefused: Bool) {
        guard let network = self.network(of: address) else { return }
        self.counts.withLock { counts in
            guard var count = counts[network] else {
                preconditionFailure("a connection left that had not entered")
            }
            if wasRefused { count.refused -= 1 } else { count.admitted -= 1 }
            precondition(count.admitted >= 0 && count.refused >= 0, "a connection left that had not entered")
            counts[network] = count.admitted == 0 && count.refused == 0 ? nil : count
        }
    }

    /// Logs a refusal, unless one was logged a moment ago; true if so.
    @discardableResult
    func tell(_ address: SocketAddress, now: MonotonicInstant) -> Bool {
        let isDue = self.lastTold.withLock { last in
            if let told = last, now < told + Self.tellInterval { return false }
            last = now
            return true
        }
        if isDue { self.log.warning("an address has too many connections", ["address": .text(address.host)]) }
        return isDue
    }

    /// Networks that have a connection.
    var networkCount: Int { self.counts.withLock { $0.count } }

    // The same answer at the entrance and at the end: it depends on nothing that changes.
    private func network(of address: SocketAddress) -> ClientNetwork? {
        self.exempt.contains { $0.contains(address) } ? nil : ClientNetwork(address)
    }
}
