internal import TimingleCQL

/// The items of rooms in Cassandra or ScyllaDB.
///
/// Immutable. There is no lock and no conditional write: each row is written by its full key with a timestamp that
/// comes from the item, so that writing again changes nothing. What has a row in `chat_places_by_event` is stored; it
/// is written last. ARCHITECTURE.md says how a second item under one client id is refused.
package struct CQLMessageRepository: MessageStore {
    let client: any CQLQuerying
    let buckets: CQLRoomBuckets
    /// Each message that is sent asks for its client id: it must not wait long for a store that hangs.
    let rest = StoreRest()
    static let clientIDTimeout: Duration = .seconds(1)

    /// The most items that one write carries, and the most bytes of them: servers warn of, and refuse, large batches.
    static let itemsPerWriteMax = 64
    static let bytesPerWriteMax = 128 * 1_024
    /// The most values that one IN lists; ScyllaDB refuses more than a hundred.
    static let valuesPerListMax = 64

    init(client: any CQLQuerying, buckets: CQLRoomBuckets = .standard) {
        self.client = client
        self.buckets = buckets
    }

    package func append(_ messages: [ChatMessage]) async throws(StoreError) {
        for message in messages {
            if let reason = message.storageRefusal { throw .rejected("\(message.messageID): \(reason)") }
        }
        let rooms = Dictionary(grouping: messages, by: \.eventID)
        try await concurrently(Array(rooms.values)) { room throws(StoreError) in try await self.append(room: room) }
    }

    /// Stores one room's items; of those with one `seq` the first that can be.
    private func append(room messages: [ChatMessage]) async throws(StoreError) {
        var rest = messages
        while !rest.isEmpty {
            var taken: Set<Int64> = []
            var again: [ChatMessage] = []
            var turn: [ChatMessage] = []
            for message in rest {
                if taken.insert(message.seq).inserted { turn.append(message) } else { again.append(message) }
            }
            try await self.store(turn.sorted { $0.seq < $1.seq })
            rest = again
        }
    }

    /// In steps, each after the one before: what a reader finds by a place or an id is there.
    private func store(_ messages: [ChatMessage]) async throws(StoreError) {
        let fresh = try await self.withoutTaken(messages)
        guard !fresh.isEmpty else { return }
        let (winners, losers) = try await self.claim(fresh)
        try await self.client.storeWrites(self.rows(winners) + self.lastBucket(winners) + Self.activity(winners))
        try await self.client.storeWrites(self.index(winners))
        try await self.remove(losers)
    }

    // MARK: Places

    /// The items whose place is free; those that are stored already, and those in whose place another is, are left out.
    private func withoutTaken(_ messages: [ChatMessage]) async throws(StoreError) -> [ChatMessage] {
        let taken = try await self.takenPlaces(messages)
        return messages.filter { !taken.contains($0.seq) }
    }

    private func takenPlaces(_ messages: [ChatMessage]) async throws(StoreError) -> Set<Int64> {
        var taken: Set<Int64> = []
        for (bucket, messages) in Dictionary(grouping: messages, by: { self.buckets.bucket(of: $0.seq) }) {
            for statement in Self.placesOf(messages, bucket: bucket) {
                taken.formUnion(
                    try await self.client.storeRows(statement) { row throws(CQLCodingError) in
                        try row.decode("seq", as: Int64.self)
                    }
                )
            }
        }
        return taken
    }

    /// What asks for the places of these, which are one bucket's in `seq` order: in one go where they are neighbours.
    private static func placesOf(_ messages: [ChatMessage], bucket: Int32) -> [CQLStatement] {
        guard let first = messages.first, let last = messages.last else { return [] }
        let room: CQLStatement = "chat_places_by_event WHERE event_id = \(first.eventID) AND bucket = \(bucket)"
        if last.seq - first.seq < Int64(2 * messages.count + 64) {
            return ["SELECT seq FROM \(room) AND seq >= \(first.seq) AND seq <= \(last.seq)"]
        }
        return self.chunks(messages.map(\.seq), self.valuesPerListMax).map { seqs in
            "SELECT seq FROM \(room) AND seq IN \(seqs)"
        }
    }

    // MARK: Client ids

    /// Of several items under one sender's client id only the one with the lowest `seq` is stored.
    ///
    /// Each item is claimed first, and only then are the claims read: of two writers at the same time at least one sees
    /// both claims. Where that is the winner, it removes what the loser wrote or will write.
    private func claim(
        _ messages: [ChatMessage]
    ) async throws(StoreError) -> (winners: [ChatMessage], losers: [CQLMessageClaim]) {
        let claims = messages.compactMap { CQLMessageClaim($0) }
        guard !claims.isEmpty else { return (messages, []) }
        let bySender = Dictionary(grouping: claims, by: \.senderID)
        try await self.client.storeWrites(
            bySender.values.flatMap { Self.chunks($0, Self.itemsPerWriteMax) }.map { $0.map(\.statement) }
        )
        var known: [CQLMessageClaim] = []
        for mine in bySender.values { known += try await self.rivals(of: mine) }
        var refused: Set<Int64> = []
        var losers: [CQLMessageClaim] = []
        let own = Set(claims.map(\.seq))
        for rivals in Dictionary(grouping: known, by: \.key).values {
            let rivals = rivals.sorted { $0.seq < $1.seq }
            let others = rivals.dropFirst()
            refused.formUnion(others.map(\.seq))
            if let winner = rivals.first, own.contains(winner.seq) { losers += others }
        }
        return (messages.filter { !refused.contains($0.seq) }, losers)
    }

    /// All claims to the client ids of these, which are one sender's in one room.
    private func rivals(of claims: [CQLMessageClaim]) async throws(StoreError) -> [CQLMessageClaim] {
        guard let first = claims.first else { return [] }
        var rivals: [CQLMessageClaim] = []
        for clientIDs in Self.chunks(Array(Set(claims.map(\.clientID))), Self.valuesPerListMax) {
            rivals += try await self.client.storeRows(
                """
                SELECT client_id, seq, created_at, message_id FROM chat_claims_by_sender
                WHERE event_id = \(first.eventID) AND sender_id = \(first.senderID) AND client_id IN \(clientIDs)
                """
            ) { row throws(CQLCodingError) in
                CQLMessageClaim(
                    eventID: first.eventID,
                    senderID: first.senderID,
                    clientID: try row.decode("client_id"),
                    place: try CQLMessagePlace(row)
                )
            }
        }
        return rivals
    }

    // MARK: Writes

    /// The items' own rows, each partition's in writes of their own.
    private func rows(_ messages: [ChatMessage]) -> [[CQLStatement]] {
        Dictionary(grouping: messages) { self.buckets.bucket(of: $0.seq) }.flatMap { bucket, messages in
            var writes: [[CQLStatement]] = []
            var bytes = 0
            for message in messages.sorted(by: { $0.seq < $1.seq }) {
                let size = message.storedBytes
                let isFull = bytes + size > Self.bytesPerWriteMax || writes.last?.count == Self.itemsPerWriteMax
                if writes.isEmpty || isFull {
                    writes.append([])
                    bytes = 0
                }
                writes[writes.count - 1].append(message.rowStatement(bucket: bucket))
                bytes += size
            }
            return writes
        }
    }

    /// What people said, by person.
    private static func activity(_ messages: [ChatMessage]) -> [[CQLStatement]] {
        Dictionary(grouping: messages.filter { $0.senderID != .system }, by: \.senderID).values.flatMap { mine in
            self.chunks(mine.map(\.activityStatement), self.itemsPerWriteMax)
        }
    }

    /// How many buckets the room has, where that is more than one; before the places, so that readers find them.
    ///
    /// The number is its own timestamp: the highest stays, in whatever order they are written.
    private func lastBucket(_ messages: [ChatMessage]) -> [[CQLStatement]] {
        guard let last = messages.max(by: { $0.seq < $1.seq }) else { return [] }
        let bucket = self.buckets.bucket(of: last.seq)
        guard bucket > 0 else { return [] }
        return [
            [
                """
                UPDATE chat_places_by_event USING TIMESTAMP \(Int64(bucket)) SET last_bucket = \(bucket)
                WHERE event_id = \(last.eventID) AND bucket = \(Int32(0))
                """
            ]
        ]
    }

    /// Places, each bucket's in writes of their own, and ids, each of which is a partition.
    private func index(_ messages: [ChatMessage]) -> [[CQLStatement]] {
        let places = Dictionary(grouping: messages) { self.buckets.bucket(of: $0.seq) }.flatMap { bucket, messages in
            Self.chunks(messages.map { $0.placeStatement(bucket: bucket) }, Self.itemsPerWriteMax)
        }
        return places + messages.map { [$0.idStatement] }
    }

    private func remove(_ losers: [CQLMessageClaim]) async throws(StoreError) {
        try await self.client.storeWrites(
            losers.flatMap { loser in
                loser.removals(bucket: self.buckets.bucket(of: loser.seq)).map { [$0] }
            }
        )
    }

    static func chunks<Element>(_ elements: [Element], _ size: Int) -> [[Element]] {
        stride(from: 0, to: elements.count, by: size).map { Array(elements[$0..<min($0 + size, elements.count)]) }
    }
}
