/// Decides whether a request that failed is tried again, and where.
///
/// Pure. What may have taken effect is tried again only where that does not matter; what cannot have taken effect, or
/// only reads, is tried where another try may go better.
struct RetryPolicy {
    enum Decision: Equatable {
        case fail
        case sameNode
        case nextNode
    }

    /// What went wrong with one try.
    enum Failure {
        /// Ours: the connection, the deadline of a try.
        case local(CQLError)
        case server(CQLServerError.Code)
    }

    /// All tries together, the first one included.
    var attemptsMax: Int

    /// What to do after the try that was number `attempt`, counted from 1.
    func decide(_ failure: Failure, isIdempotent: Bool, attempt: Int) -> Decision {
        guard attempt < self.attemptsMax else { return .fail }
        switch failure {
        case .local(let error): return self.decide(error, isIdempotent: isIdempotent)
        case .server(let code): return self.decide(code, isIdempotent: isIdempotent, attempt: attempt)
        }
    }

    private func decide(_ error: CQLError, isIdempotent: Bool) -> Decision {
        switch error.code {
        case .connectionLost, .timeout, .closed, .notConnected, .tooManyWaiters, .decoding:
            return !error.wasSent || isIdempotent ? .nextNode : .fail
        default:
            return .fail
        }
    }

    private func decide(_ code: CQLServerError.Code, isIdempotent: Bool, attempt: Int) -> Decision {
        switch code {
        case .isBootstrapping:
            // Not a member yet: it did nothing.
            return .nextNode
        case .unavailable:
            // Nothing was done. Another node may know better who is alive; a third one hardly.
            return attempt == 1 ? .nextNode : .fail
        case .readTimeout(let replicas, let dataPresent):
            guard isIdempotent else { return .fail }
            // Enough replicas answered, only the one with the data did not: now its node knows.
            return attempt == 1 && replicas.received >= replicas.required && !dataPresent ? .sameNode : .nextNode
        case .writeTimeout(_, .batchLog):
            guard isIdempotent else { return .fail }
            return attempt == 1 ? .sameNode : .nextNode
        case .writeTimeout, .overloaded, .serverError, .readFailure, .writeFailure, .casWriteUnknown:
            return isIdempotent ? .nextNode : .fail
        case .protocolError, .authentication, .truncate, .functionFailure, .cdcWriteFailure, .syntax, .unauthorized,
            .invalid, .configuration, .alreadyExists, .unprepared, .other:
            return .fail
        }
    }
}
