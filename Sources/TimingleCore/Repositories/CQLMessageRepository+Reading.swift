internal import TimingleCQL

extension CQLMessageRepository {
    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        try await self.client.storeRows(
            """
            SELECT seq, ordinal, created_at FROM chat_places_by_event WHERE event_id = \(event)
            ORDER BY seq DESC LIMIT 1
            """
        ) { row throws(CQLCodingError) in
            RoomPosition(
                seq: try row.decode("seq"),
                ordinal: try row.decode("ordinal"),
                createdAt: try row.decode("created_at")
            )
        }.first
    }

    package func page(event: EventID, before seq: Int64?, limit: Int) async throws(StoreError) -> [ChatMessage] {
        let places = try await self.places(
            """
            SELECT seq, created_at, message_id FROM chat_places_by_event
            WHERE event_id = \(event) AND seq < \(seq ?? .max) ORDER BY seq DESC LIMIT \(min(max(limit, 1), 200))
            """
        )
        return try await self.items(event, at: places)
    }

    package func page(event: EventID, after seq: Int64, limit: Int) async throws(StoreError) -> [ChatMessage] {
        let places = try await self.places(
            """
            SELECT seq, created_at, message_id FROM chat_places_by_event
            WHERE event_id = \(event) AND seq > \(seq) ORDER BY seq ASC LIMIT \(min(max(limit, 1), 300))
            """
        )
        return try await self.items(event, at: places)
    }

    package func message(event: EventID, id: MessageID) async throws(StoreError) -> ChatMessage? {
        let places = try await self.places(
            """
            SELECT seq, created_at, message_id FROM chat_ids_by_event
            WHERE event_id = \(event) AND message_id = \(id)
            """
        )
        return try await self.items(event, at: places).first
    }

    package func message(
        event: EventID,
        sender: UserID,
        clientID: ClientMessageID
    ) async throws(StoreError) -> ChatMessage? {
        // The lowest seq has it, whatever else was claimed.
        var claim: CQLStatement = """
            SELECT seq, created_at, message_id FROM chat_claims_by_sender
            WHERE event_id = \(event) AND sender_id = \(sender) AND client_id = \(clientID) LIMIT 1
            """
        claim.timeout = Self.clientIDTimeout
        let places = try await self.rest.unlessResting { () throws(StoreError) in try await self.places(claim) }
        return places.isEmpty ? nil : try await self.items(event, at: places).first
    }

    private func places(_ statement: CQLStatement) async throws(StoreError) -> [CQLMessagePlace] {
        try await self.client.storeRows(statement) { row throws(CQLCodingError) in try CQLMessagePlace(row) }
    }

    /// The rows of these places, in their order; a place without a row is left out.
    ///
    /// The places are neighbours, so their rows are, too: each bucket is read in one go.
    private func items(_ event: EventID, at places: [CQLMessagePlace]) async throws(StoreError) -> [ChatMessage] {
        var found: [MessageID: ChatMessage] = [:]
        for (bucket, places) in Dictionary(grouping: places, by: { self.buckets.bucket(of: $0.seq) }) {
            let times = places.map(\.createdAt)
            guard let first = times.min(), let last = times.max() else { continue }
            let source: CQLStatement =
                bucket == 0
                ? "chat_messages_by_event WHERE event_id = \(event)"
                : "chat_messages_by_event_bucket WHERE event_id = \(event) AND bucket = \(bucket)"
            let messages = try await self.client.storeRows(
                """
                SELECT \(unsafe: ChatMessage.cqlColumns) FROM \(source)
                    AND created_at >= \(first) AND created_at <= \(last)
                """
            ) { row throws(CQLCodingError) in try ChatMessage(row) }
            for message in messages { found[message.messageID] = message }
        }
        return places.compactMap { found[$0.messageID] }
    }
}
