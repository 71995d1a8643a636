/// Neighbouring items of a room on their way to a reader: what the store has, and what is known to be missing of it.
///
/// A value. No clock and no I/O inside.
struct RoomPage {
    /// What was asked for.
    enum Reach {
        case newest
        /// With the time of the item there, if there is one for sure.
        case before(seq: Int64, saidAt: Timestamp?)
        case after(seq: Int64)
    }

    /// Oldest first.
    private(set) var items: [ChatMessage]
    /// The page lies above this place and below that one.
    let low: Int64
    let high: Int64
    /// When the item at `high` was said; nil: perhaps there is none, and the page ends with its newest item.
    private let highSaidAt: Timestamp?
    private let reach: Reach
    private let limit: Int

    /// `stored` is the store's page; less than `limit` means that the store has no more in that direction.
    init(_ stored: [ChatMessage], reach: Reach, limit: Int) {
        self.reach = reach
        self.limit = limit
        let isFull = stored.count >= limit
        switch reach {
        case .newest, .before:
            self.items = stored.reversed()
            self.low = isFull ? (stored.last?.seq ?? 1) - 1 : 0
        case .after(let seq):
            self.items = stored
            self.low = seq
        }
        switch reach {
        case .newest: (self.high, self.highSaidAt) = (.max, nil)
        case .before(let seq, let saidAt): (self.high, self.highSaidAt) = (seq, saidAt)
        case .after: (self.high, self.highSaidAt) = (isFull ? (stored.last?.seq ?? .max - 1) + 1 : .max, nil)
        }
    }

    /// Newest first, as many as were asked for.
    var newestFirst: [ChatMessage] {
        switch self.reach {
        case .newest, .before: self.items.suffix(self.limit).reversed()
        case .after: self.items.prefix(self.limit).reversed()
        }
    }

    /// Whether the store may lack something that was said: an item between two others or at an end, or newer ones.
    var isUncertain: Bool {
        (self.items.last?.seq ?? self.low) < self.high - 1 || self.hasHole { _ in true }
    }

    /// Whether an item is missing that may still be stored: the one above it was said after `time`.
    ///
    /// Older holes stay: what should be there was put aside, or was said before under the same client id.
    func hasHole(saidAfter time: Timestamp) -> Bool { self.hasHole { $0 > time } }

    /// Whether something is missing below an item, or the end, of a time that is meant.
    private func hasHole(where isMeant: (Timestamp) -> Bool) -> Bool {
        var last = self.low
        for item in self.items {
            if item.seq > last + 1, isMeant(item.createdAt) { return true }
            last = item.seq
        }
        guard let highSaidAt else { return false }
        return last < self.high - 1 && isMeant(highSaidAt)
    }

    /// Puts in what this process remembers of the room between `low` and `high`: neighbours, oldest first.
    ///
    /// Where the page's end is open they have to join it: it ends before a hole, not behind one.
    mutating func fill(with remembered: [ChatMessage]) {
        guard let first = remembered.first else { return }
        let top = self.items.last?.seq ?? self.low
        let reachesOver = self.highSaidAt != nil || first.seq <= top + 1
        var seqs = Set(self.items.map(\.seq))
        // One that was said before is remembered, and will not be stored.
        var said = Set(self.items.compactMap(\.claim))
        for message in remembered where message.seq < top || reachesOver {
            guard seqs.insert(message.seq).inserted else { continue }
            if let claim = message.claim, !said.insert(claim).inserted { continue }
            self.items.append(message)
        }
        self.items.sort { $0.seq < $1.seq }
    }
}

/// What a sender called an item.
private struct Claim: Hashable {
    let senderID: UserID
    let clientID: ClientMessageID
}

extension ChatMessage {
    fileprivate var claim: Claim? { self.clientID.map { Claim(senderID: self.senderID, clientID: $0) } }
}
