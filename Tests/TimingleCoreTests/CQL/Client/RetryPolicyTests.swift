import Testing

@testable import TimingleCQL

struct RetryPolicyTests {
    private let policy = RetryPolicy(attemptsMax: 4)

    private static func replicas(_ received: Int32, of required: Int32) -> CQLServerError.Replicas {
        CQLServerError.Replicas(consistency: .quorum, received: received, required: required)
    }

    /// Code, decision for what is not idempotent, for what is, and for a second failure of that.
    static let table:
        [(
            code: CQLServerError.Code, once: RetryPolicy.Decision, idempotent: RetryPolicy.Decision,
            again: RetryPolicy.Decision
        )] = [
            (.isBootstrapping, .nextNode, .nextNode, .nextNode),
            (.unavailable(consistency: .quorum, required: 2, alive: 1), .nextNode, .nextNode, .fail),
            (.overloaded, .fail, .nextNode, .nextNode),
            (.serverError, .fail, .nextNode, .nextNode),
            (.readTimeout(replicas(2, of: 2), dataPresent: false), .fail, .sameNode, .nextNode),
            (.readTimeout(replicas(2, of: 2), dataPresent: true), .fail, .nextNode, .nextNode),
            (.readTimeout(replicas(1, of: 2), dataPresent: true), .fail, .nextNode, .nextNode),
            (.writeTimeout(replicas(1, of: 2), writeType: .simple), .fail, .nextNode, .nextNode),
            (.writeTimeout(replicas(1, of: 2), writeType: .batchLog), .fail, .sameNode, .nextNode),
            (.writeTimeout(replicas(1, of: 2), writeType: .counter), .fail, .nextNode, .nextNode),
            (.readFailure(replicas(1, of: 2), failures: 1, dataPresent: false), .fail, .nextNode, .nextNode),
            (.writeFailure(replicas(1, of: 2), failures: 1, writeType: .simple), .fail, .nextNode, .nextNode),
            (.casWriteUnknown(replicas(1, of: 2)), .fail, .nextNode, .nextNode),
            (.protocolError, .fail, .fail, .fail), (.authentication, .fail, .fail, .fail),
            (.truncate, .fail, .fail, .fail), (.cdcWriteFailure, .fail, .fail, .fail),
            (.functionFailure(keyspace: "k", function: "f", argumentTypes: []), .fail, .fail, .fail),
            (.syntax, .fail, .fail, .fail), (.unauthorized, .fail, .fail, .fail), (.invalid, .fail, .fail, .fail),
            (.configuration, .fail, .fail, .fail), (.alreadyExists(keyspace: "k", table: ""), .fail, .fail, .fail),
            (.unprepared(id: [1]), .fail, .fail, .fail), (.other(0x2600), .fail, .fail, .fail),
        ]

    @Test(arguments: table.indices)
    func eachErrorOfTheServerIsDecided(index: Int) {
        let row = Self.table[index]
        #expect(self.policy.decide(.server(row.code), isIdempotent: false, attempt: 1) == row.once)
        #expect(self.policy.decide(.server(row.code), isIdempotent: true, attempt: 1) == row.idempotent)
        #expect(self.policy.decide(.server(row.code), isIdempotent: true, attempt: 2) == row.again)
        #expect(self.policy.decide(.server(row.code), isIdempotent: true, attempt: 4) == .fail)
    }

    @Test(arguments: [CQLError.Code.connectionLost, .timeout, .closed])
    func whatMayHaveTakenEffectIsTriedAgainOnlyWhereThatDoesNotMatter(code: CQLError.Code) {
        let sent = CQLError(code, "", wasSent: true)
        #expect(self.policy.decide(.local(sent), isIdempotent: false, attempt: 1) == .fail)
        #expect(self.policy.decide(.local(sent), isIdempotent: true, attempt: 1) == .nextNode)
        #expect(self.policy.decide(.local(sent), isIdempotent: true, attempt: 4) == .fail)
    }

    @Test(arguments: [CQLError.Code.notConnected, .tooManyWaiters, .closed])
    func whatWasNotSentIsTriedElsewhere(code: CQLError.Code) {
        let error = CQLError(code, "", wasSent: false)
        #expect(self.policy.decide(.local(error), isIdempotent: false, attempt: 1) == .nextNode)
    }

    @Test(arguments: [CQLError.Code.encoding, .cancelled, .settings])
    func ourOwnMistakesAreNotTriedAgain(code: CQLError.Code) {
        #expect(self.policy.decide(.local(CQLError(code, "")), isIdempotent: true, attempt: 1) == .fail)
    }
}
