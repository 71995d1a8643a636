internal import TimingleNet

/// What has to be prepared before it is sent, and what a node forgot.
extension CQLExecution {
    /// Prepares what is not, one text after the other, and goes on.
    func prepare(_ texts: [String]) {
        let cache = self.shard.prepared
        guard let text = texts.first(where: { cache.find($0) == nil }) else { return self.encode() }
        let isFirst = cache.wait(for: text) { [weak self] result in
            guard let self, self.completion != nil else { return }
            switch result {
            case .failure(let error): self.finish(.failure(error))
            case .success: self.prepare(texts)
            }
        }
        // Where nobody prepares it any more our own deadline must end this.
        self.armTimer(at: self.deadline) { $0.expire() }
        guard isFirst else { return }
        let preparation = CQLExecution(.prepare(text), on: self.shard, timeout: nil) { result in
            cache.finished(text, result.flatMap(Self.prepared))
        }
        self.shard.execute(preparation)
    }

    private static func prepared(_ response: CQLResponse) -> Result<CQLPrepared, CQLError> {
        guard case .prepared(let prepared) = response.content else {
            return .failure(CQLError(.decoding, "no statement in the answer to PREPARE", wasSent: false))
        }
        return .success(prepared)
    }

    // MARK: Preparing again

    /// The node forgot a statement, or never knew it: it is told, on the same connection, and asked again.
    func prepareAgain(_ id: [UInt8], _ connection: CQLConnection, _ pool: NodePool, _ node: Int) {
        self.repreparations += 1
        guard self.repreparations <= 4 + self.texts.count,
            let text = self.texts.first(where: { self.shard.prepared.find($0)?.id == id }) ?? self.texts.first
        else {
            let message = "the node does not keep the statement"
            return self.finish(.failure(CQLError(.unprepared, message, node: pool.node, wasSent: true)))
        }
        do throws(CQLCodingError) {
            let request = try CQLRequest.prepare(PrepareRequest(text)).encode()
            connection.send(request, deadline: self.deadline) { result in
                guard self.completion != nil else { return }
                self.preparedAgain(text, result, connection, pool, node)
            }
        } catch {
            self.finish(.failure(CQLError(.encoding, error.description)))
        }
    }

    private func preparedAgain(
        _ text: String,
        _ result: Result<CQLResponse, CQLError>,
        _ connection: CQLConnection,
        _ pool: NodePool,
        _ node: Int
    ) {
        switch result.flatMap({ response in Self.prepared(response).map { ($0, response) } }) {
        case .success(let (prepared, _)):
            self.shard.prepared.store(text, prepared)
            do throws(CQLCodingError) {
                guard let request = try CQLRequestBuilder(self.shard).request(self.work) else { return self.start() }
                self.request = try request.encode()
            } catch {
                return self.finish(.failure(CQLError(.encoding, error.description)))
            }
            self.send(connection, pool, node)
        case .failure(let error):
            if case .success(let response) = result, case .error(let refusal) = response.content {
                let refusalError = CQLError(refusal, node: pool.node)
                return self.failed(.server(refusal.code), refusalError, connection, pool, node)
            }
            // The statement itself was refused before it did anything.
            self.failed(.local(CQLError(error.code, error.message, node: pool.node)), error, connection, pool, node)
        }
    }

    private var texts: [String] {
        switch self.work {
        case .statement(let statement): [statement.text]
        case .batch(let batch): batch.statements.filter { !$0.bindings.isEmpty }.map(\.text)
        case .prepare: []
        }
    }
}
