/// An item of a room, with its place in the broker's stream and its text, encoded once for all its readers.
///
/// Immutable.
struct RoomItem: Sendable, Equatable {
    let message: ChatMessage
    let streamSequence: UInt64
    /// The S-Message as clients get it.
    let json: [UInt8]

    /// `json` is the message's own text where it was encoded already.
    init(message: ChatMessage, streamSequence: UInt64, json: [UInt8]? = nil) {
        self.message = message
        self.streamSequence = streamSequence
        self.json = json ?? JSONWriter.bytes(of: message)
    }
}

/// Puts what arrives in any order, doubled or late, into the room's order, and remembers the newest items.
///
/// No clock and no I/O inside.
struct RoomOrder {
    /// The last item shown to the members; nil until something is known of the room.
    private(set) var lastSeq: Int64?
    /// Where to look in the stream for what follows.
    private(set) var lastStreamSequence: UInt64 = 0
    /// Items that came before a missing one.
    private var waiting: [Int64: RoomItem] = [:]
    /// The newest item that came, also if there was no space to let it wait.
    private var newestSeq: Int64 = 0
    private var recent: [RoomItem] = []
    private var byID: [MessageID: Int64] = [:]

    static let waitingMax = 300
    static let recentMax = 128

    /// The room is known to be this far; changes nothing when something is known already.
    mutating func begin(seq: Int64, streamSequence: UInt64) {
        guard self.lastSeq == nil else { return }
        self.lastSeq = seq
        self.lastStreamSequence = streamSequence
        if self.recent.last?.message.seq != seq { self.forgetRecent() }
    }

    /// The room went on, nobody knows how far; what was shown is still remembered.
    mutating func forgetPosition() {
        self.lastSeq = nil
        self.lastStreamSequence = 0
        self.newestSeq = 0
        self.waiting = [:]
    }

    /// The last item of which it is known that it was shown, 0 if none is.
    var shownSeq: Int64 { max(self.lastSeq ?? 0, self.recent.last?.message.seq ?? 0) }

    /// Takes an item and returns those that are due now, in order.
    mutating func offer(_ item: RoomItem) -> [RoomItem] {
        let seq = item.message.seq
        if let lastSeq = self.lastSeq {
            guard seq > lastSeq else { return [] }
            guard seq == lastSeq + 1 else {
                self.newestSeq = max(self.newestSeq, seq)
                // Beyond the limit it is fetched from the stream, as what is missing.
                if self.waiting.count < Self.waitingMax { self.waiting[seq] = item }
                return []
            }
        }
        self.show(item)
        return [item] + self.dueNow()
    }

    /// Whether an item came that was not shown yet.
    var hasGap: Bool { self.lastSeq.map { $0 < self.newestSeq } ?? false }

    /// The first missing item and the first one behind it of which we know, if there is a gap.
    var gap: (missing: Int64, waiting: Int64)? {
        guard let lastSeq = self.lastSeq, self.hasGap else { return nil }
        return (lastSeq + 1, self.waiting.keys.min() ?? self.newestSeq)
    }

    /// Gives the missing items up and returns those behind them.
    ///
    /// Where none waits there is nobody to hold up: it is only forgotten that there is more.
    mutating func skipGap() -> [RoomItem] {
        guard let first = self.waiting.keys.min() else {
            self.newestSeq = 0
            return []
        }
        self.lastSeq = first - 1
        return self.dueNow()
    }

    /// The stream has nothing to show up to this place.
    mutating func passed(streamSequence: UInt64) {
        self.lastStreamSequence = max(self.lastStreamSequence, streamSequence)
    }

    private mutating func dueNow() -> [RoomItem] {
        var due: [RoomItem] = []
        while let lastSeq = self.lastSeq, let item = self.waiting.removeValue(forKey: lastSeq + 1) {
            self.show(item)
            due.append(item)
        }
        return due
    }

    private mutating func show(_ item: RoomItem) {
        self.lastSeq = item.message.seq
        // Not the greatest one: a stream that was lost begins again.
        self.lastStreamSequence = item.streamSequence
        if let last = self.recent.last, last.message.seq + 1 != item.message.seq { self.forgetRecent() }
        if self.recent.count >= Self.recentMax {
            for old in self.recent.prefix(Self.recentMax / 2) { self.byID[old.message.messageID] = nil }
            self.recent.removeFirst(Self.recentMax / 2)
        }
        self.recent.append(item)
        self.byID[item.message.messageID] = item.message.seq
    }

    private mutating func forgetRecent() {
        self.recent = []
        self.byID = [:]
    }

    /// Everything shown after `seq`; nil when some of it is no longer remembered.
    func tail(after seq: Int64) -> [ChatMessage]? {
        guard let lastSeq = self.lastSeq else { return nil }
        guard seq < lastSeq else { return [] }
        guard let first = self.recent.first, first.message.seq <= seq + 1 else { return nil }
        return self.recent.suffix(from: Int(seq + 1 - first.message.seq)).map(\.message)
    }

    /// What is remembered of the items above `low` and below `high`, oldest first and without a gap between them.
    func remembered(above low: Int64, below high: Int64) -> [ChatMessage] {
        guard low < high, let first = self.recent.first?.message.seq, let last = self.recent.last?.message.seq else {
            return []
        }
        let (from, to) = (max(first, low + 1), min(last, high - 1))
        guard from <= to else { return [] }
        return self.recent[Int(from - first)...Int(to - first)].map(\.message)
    }

    func message(_ id: MessageID) -> ChatMessage? {
        guard let seq = self.byID[id], let first = self.recent.first else { return nil }
        return self.recent[Int(seq - first.message.seq)].message
    }

    func seq(of id: MessageID) -> Int64? { self.byID[id] }

    /// What the sender called `clientID`, if it is remembered.
    func message(sender: UserID, clientID: ClientMessageID) -> ChatMessage? {
        self.recent.last { $0.message.clientID == clientID && $0.message.senderID == sender }?.message
    }
}
