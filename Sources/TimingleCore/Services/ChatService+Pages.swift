extension ChatService {
    /// Newest first.
    ///
    /// Without `before` the reader has seen the newest: the read mark moves there.
    package func page(
        event: EventID,
        before: MessageCursor?,
        after: MessageCursor?,
        limit: Int,
        by requester: Requester
    ) async throws(ServiceError) -> [ChatMessage] {
        _ = try await self.member(event, requester)
        let limit = min(max(limit, 1), ChatLimits.pageMax)
        do throws(StoreError) {
            guard let reach = try await self.reach(event, before: before, after: after) else { return [] }
            let page = try await self.page(event, reach, limit: limit)
            if case .newest = reach, let newest = page.first {
                try await self.marks.markRead(
                    event: event,
                    user: requester.userID,
                    seq: newest.seq,
                    ordinal: newest.ordinal
                )
            }
            return page
        } catch {
            throw error.asServiceError
        }
    }

    /// What the store has, with what this process remembers of what is missing there.
    ///
    /// What was said a moment ago may not be stored yet, and workers may store it out of turn: it is looked for again a
    /// few times. An old hole is one for ever, and nobody waits for it.
    private func page(_ event: EventID, _ reach: RoomPage.Reach, limit: Int) async throws(StoreError) -> [ChatMessage] {
        var looks = ChatLimits.unstoredLooks
        if case .before(_, .some) = reach { looks = ChatLimits.unstoredLooksBelowMessage }
        while true {
            looks -= 1
            var page = RoomPage(try await self.stored(event, reach, limit: limit), reach: reach, limit: limit)
            if page.isUncertain {
                page.fill(with: await self.rooms.remembered(event: event, above: page.low, below: page.high))
            }
            let given = self.now() + (.zero - self.rooms.unstoredAge)
            guard looks > 0, page.hasHole(saidAfter: given) else { return page.newestFirst }
            _ = try? await pause(ChatLimits.unstoredPause)
        }
    }

    private func stored(
        _ event: EventID,
        _ reach: RoomPage.Reach,
        limit: Int
    ) async throws(StoreError) -> [ChatMessage] {
        switch reach {
        case .newest: try await self.messages.page(event: event, before: nil, limit: limit)
        case .before(let seq, _): try await self.messages.page(event: event, before: seq, limit: limit)
        case .after(let seq): try await self.messages.page(event: event, after: seq, limit: limit)
        }
    }

    // MARK: Cursors

    /// What is asked for; nil when a cursor names nothing.
    ///
    /// `after` counts where both are given.
    private func reach(
        _ event: EventID,
        before: MessageCursor?,
        after: MessageCursor?
    ) async throws(StoreError) -> RoomPage.Reach? {
        if let after { return try await self.place(of: after, in: event, isUpper: false).map { .after(seq: $0.seq) } }
        guard let before else { return .newest }
        return try await self.place(of: before, in: event, isUpper: true).map {
            .before(seq: $0.seq, saidAt: $0.saidAt)
        }
    }

    /// The `seq` at which a cursor stands, and when the message that it names was said; nil when it names nothing.
    ///
    /// A time stands before the first message that is not earlier; as an upper bound its own millisecond is excluded.
    private func place(
        of cursor: MessageCursor,
        in event: EventID,
        isUpper: Bool
    ) async throws(StoreError) -> (seq: Int64, saidAt: Timestamp?)? {
        switch cursor {
        // A bare number promises nothing.
        case .seq(let seq): return (seq, nil)
        case .message(let id):
            var message = try await self.messages.message(event: event, id: id)
            if message == nil { message = await self.rooms.message(id, in: event) }
            return message.map { ($0.seq, $0.createdAt) }
        case .time(let time):
            let first = try await self.firstSeq(notBefore: time, in: event, isExclusive: !isUpper)
            return (isUpper ? first : first - 1, nil)
        }
    }

    /// Halves the room until the first message at or after `time` is found: at most 63 short reads.
    private func firstSeq(
        notBefore time: Timestamp,
        in event: EventID,
        isExclusive: Bool
    ) async throws(StoreError) -> Int64 {
        guard let position = try await self.messages.position(event: event) else { return 1 }
        var low: Int64 = 1
        var high = position.seq + 1
        while low < high {
            let middle = low + (high - low) / 2
            let probe = try await self.messages.page(event: event, after: middle - 1, limit: 1).first
            guard let probe, probe.createdAt < time || isExclusive && probe.createdAt == time else {
                high = middle
                continue
            }
            low = probe.seq + 1
        }
        return low
    }
}
