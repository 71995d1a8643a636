import TimingleNet

@testable import TimingleCQL

/// A connection that a test asks and awaits.
///
/// Any thread: each call goes to the loop.
struct CQLTestConnection: Sendable {
    let bound: LoopBound<CQLConnection>

    /// Connects, or throws why not.
    static func open(
        _ loop: EventLoop,
        _ address: SocketAddress,
        _ settings: CQLConnectionSettings,
        sourcePort: UInt16? = nil
    ) async throws -> CQLTestConnection {
        let connection = try await loop.enter {
            let connection = CQLConnection(
                loop: loop,
                address: address,
                sourcePort: sourcePort,
                settings: settings,
                log: .silent
            )
            return CQLTestConnection(bound: LoopBound(connection, on: loop))
        }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute {
                connection.bound.value.open { result in
                    continuation.resume(with: result.mapError { $0 as any Error })
                }
            }
        }
        return connection
    }

    /// The answer, which may be an error of the server's.
    func ask(_ request: CQLRequest, isTraced: Bool = false) async throws -> CQLResponse {
        let encoded = try request.encode(isTraced: isTraced)
        return try await withCheckedThrowingContinuation { continuation in
            self.bound.loop.execute {
                self.bound.value.send(encoded, deadline: .now + .seconds(60)) { result in
                    continuation.resume(with: result.mapError { $0 as any Error })
                }
            }
        }
    }

    /// Runs a statement that must not fail, and returns its rows.
    @discardableResult
    func query(_ text: String, _ change: (inout CQLQueryParameters) -> Void = { _ in }) async throws -> CQLResult {
        var parameters = CQLQueryParameters(consistency: .one)
        change(&parameters)
        return try Self.rows(try await self.ask(.query(QueryRequest(text, parameters))))
    }

    func prepare(_ text: String) async throws -> CQLPrepared {
        let response = try await self.ask(.prepare(PrepareRequest(text)))
        guard case .prepared(let prepared) = response.content else {
            if case .error(let error) = response.content { throw error }
            throw WireError.malformed("not prepared")
        }
        return prepared
    }

    func execute(
        _ prepared: CQLPrepared,
        _ values: [CQLValue],
        _ change: (inout CQLQueryParameters) -> Void = { _ in }
    ) async throws -> CQLResult {
        var parameters = CQLQueryParameters(consistency: .one, values: values)
        change(&parameters)
        return try Self.rows(try await self.ask(.execute(ExecuteRequest(prepared, parameters))))
    }

    static func rows(_ response: CQLResponse) throws -> CQLResult {
        switch response.content {
        case .rows(let rows): return rows
        case .error(let error): throw error
        default: return CQLResult()
        }
    }

    func close() async throws {
        try await self.bound.loop.enter { [bound] in bound.value.close() }
        // The end of the turn, in which the socket is given back.
        try await self.bound.loop.enter {}
    }
}
