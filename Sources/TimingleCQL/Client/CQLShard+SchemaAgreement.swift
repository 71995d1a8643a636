internal import TimingleNet

/// Waiting until all nodes have one schema.
///
/// Each node is asked for its own version. What one node says of the others lags behind by a round of gossip, so that
/// right after a change all may look the same: as they were before.
extension CQLShard {
    static let schemaVersion = "SELECT schema_version FROM system.local WHERE key = 'local'"
    private static let schemaAgreementPause: Duration = .milliseconds(100)

    /// Asks again and again until all have one version, or until `deadline`.
    ///
    /// Nodes that cannot be reached do not count, nor do those of data centres that are not used.
    func awaitSchemaAgreement(
        until deadline: MonotonicInstant,
        _ completion: @escaping (Result<Void, CQLError>) -> Void
    ) {
        guard !self.isClosed else { return completion(.failure(CQLError(.closed, "the client is closed"))) }
        guard self.loop.now < deadline else {
            return completion(.failure(CQLError(.schemaDisagreement, "the nodes have different schemas")))
        }
        self.askSchemaVersions(until: deadline) { [weak self] versions in
            guard versions.count != 1 || versions.contains(nil) else { return completion(.success(())) }
            guard let self else { return completion(.failure(CQLError(.closed, "the client is closed"))) }
            self.loop.schedule(after: Self.schemaAgreementPause) {
                self.awaitSchemaAgreement(until: deadline, completion)
            }
        }
    }

    /// The versions of all nodes that count; a nil among them where one could not tell.
    private func askSchemaVersions(
        until deadline: MonotonicInstant,
        _ completion: @escaping (Set<CQLUUID?>) -> Void
    ) {
        // A node that was tried in vain does not count, one that is not connected yet does.
        let pools = self.pools.compactMap { $0 }.filter { $0.openCount > 0 || $0.lastFailure == nil }
        guard !pools.isEmpty else { return completion([]) }
        let round = Round(count: pools.count, completion)
        for pool in pools {
            guard let connection = pool.connection(for: nil) else {
                round.answered(nil)
                continue
            }
            let query = QueryRequest(Self.schemaVersion, CQLQueryParameters(consistency: .one))
            do throws(CQLCodingError) {
                let until = min(deadline, self.loop.now + self.configuration.attemptTimeout)
                connection.send(try CQLRequest.query(query).encode(), deadline: until) { result in
                    guard case .success(let response) = result, case .rows(let rows) = response.content else {
                        return round.answered(nil)
                    }
                    do throws(CQLCodingError) {
                        round.answered(try rows.first?.decode(at: 0, as: CQLUUID.self))
                    } catch {
                        round.answered(nil)
                    }
                }
            } catch {
                preconditionFailure("a constant request cannot be encoded: \(error)")
            }
        }
    }
}

/// The answers of one time that all were asked.
///
/// Loop-confined.
private final class Round {
    private var left: Int
    private var versions: Set<CQLUUID?> = []
    private let completion: (Set<CQLUUID?>) -> Void

    init(count: Int, _ completion: @escaping (Set<CQLUUID?>) -> Void) {
        self.left = count
        self.completion = completion
    }

    func answered(_ version: CQLUUID?) {
        self.versions.insert(version)
        self.left -= 1
        if self.left == 0 { self.completion(self.versions) }
    }
}
