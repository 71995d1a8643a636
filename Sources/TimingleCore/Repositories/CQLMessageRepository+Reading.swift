internal import TimingleCQL

extension CQLMessageRepository {
    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        let first = try await self.newest(event, 0, limit: 1, Self.position)
        // What was claimed twice is removed again, so the last bucket may be empty.
        for bucket in stride(from: first.lastBucket, to: 0, by: -1) {
            if let found = try await self.newest(event, bucket, limit: 1, Self.position).values.first { return found }
        }
        return first.values.first
    }

    package func page(event: EventID, before seq: Int64?, limit: Int) async throws(StoreError) -> [ChatMessage] {
        let limit = min(max(limit, 1), 200)
        var places: [CQLMessagePlace] = []
        var bucket: Int32
        if let seq {
            bucket = self.buckets.bucket(of: max(seq, 1) - 1)
            // Beyond the room's end there is nothing to look through.
            if bucket > 0 { bucket = min(bucket, try await self.lastBucket(event)) }
        } else {
            let first = try await self.newest(event, 0, limit: limit, CQLMessagePlace.init)
            bucket = first.lastBucket
            if bucket == 0 { (places, bucket) = (first.values, -1) }
        }
        while bucket >= 0, places.count < limit {
            places += try await self.places(
                """
                SELECT seq, created_at, message_id FROM chat_places_by_event
                WHERE event_id = \(event) AND bucket = \(bucket) AND seq < \(seq ?? .max)
                ORDER BY seq DESC LIMIT \(limit - places.count)
                """
            )
            bucket -= 1
        }
        return try await self.items(event, at: places)
    }

    package func page(event: EventID, after seq: Int64, limit: Int) async throws(StoreError) -> [ChatMessage] {
        let limit = min(max(limit, 1), 300)
        var places: [CQLMessagePlace] = []
        var bucket = self.buckets.bucket(of: min(max(seq, 0), .max - 1) + 1)
        var lastBucket: Int32?
        while true {
            let isFirst = bucket == 0
            places += try await self.client.storeRows(
                """
                SELECT seq, created_at, message_id, last_bucket FROM chat_places_by_event
                WHERE event_id = \(event) AND bucket = \(bucket) AND seq > \(seq)
                ORDER BY seq ASC LIMIT \(limit - places.count)
                """
            ) { row throws(CQLCodingError) in
                if isFirst { lastBucket = try row.decode("last_bucket", as: Int32?.self) ?? 0 }
                return try CQLMessagePlace(row)
            }
            guard places.count < limit else { break }
            let last: Int32
            if let lastBucket { last = lastBucket } else { last = try await self.lastBucket(event) }
            guard bucket < last else { break }
            lastBucket = last
            bucket += 1
        }
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

    /// The newest of one bucket; the first bucket's rows tell which bucket is the last.
    private func newest<Value>(
        _ event: EventID,
        _ bucket: Int32,
        limit: Int,
        _ decode: (CQLRow) throws(CQLCodingError) -> Value
    ) async throws(StoreError) -> (values: [Value], lastBucket: Int32) {
        var lastBucket: Int32 = 0
        let values = try await self.client.storeRows(
            """
            SELECT seq, created_at, message_id, ordinal, last_bucket FROM chat_places_by_event
            WHERE event_id = \(event) AND bucket = \(bucket) ORDER BY seq DESC LIMIT \(limit)
            """
        ) { row throws(CQLCodingError) -> Value? in
            lastBucket = try row.decode("last_bucket", as: Int32?.self) ?? 0
            // A bucket without items has a row all the same, where the column that all rows share has a value.
            return try row.decode("seq", as: Int64?.self) == nil ? nil : try decode(row)
        }
        return (values.compactMap { $0 }, lastBucket)
    }

    private func lastBucket(_ event: EventID) async throws(StoreError) -> Int32 {
        try await self.newest(event, 0, limit: 1, CQLMessagePlace.init).lastBucket
    }

    private static func position(_ row: CQLRow) throws(CQLCodingError) -> RoomPosition {
        RoomPosition(
            seq: try row.decode("seq"),
            ordinal: try row.decode("ordinal"),
            createdAt: try row.decode("created_at")
        )
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
