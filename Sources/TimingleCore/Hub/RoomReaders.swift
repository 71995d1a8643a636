internal import TimingleNet

/// Who holds a socket in the rooms of one loop; what they were shown they have read.
///
/// Loop-confined (the rooms' home loop). Nothing is done per message and member: rooms with news are gathered, and
/// every few seconds one statement moves the marks of all who are in them. Whoever turns out to be no member is put
/// out.
final class RoomReaders {
    private struct Place {
        var seq: Int64
        var ordinal: Int64
    }

    private struct Reader: Hashable {
        let event: EventID
        let user: UserID
    }

    private struct Presence {
        var sockets = 0
        /// What was shown before the user came is not the user's news.
        var joinedAt: Int64
    }

    private let loop: EventLoop
    private let store: any RoomMarkStore
    private let limits: HubLimits
    private let log: Log
    private let evict: @Sendable (EventID, UserID) -> Void
    private var present: [EventID: [UserID: Presence]] = [:]
    /// The last item of each room where something was shown since its members' marks were moved.
    private var news: [EventID: Place] = [:]
    /// Marks of those who left or caught up.
    private var marks: [Reader: Place] = [:]
    private var newsDue: MonotonicInstant?
    private var marksDue: MonotonicInstant?
    private var timer: (token: TimerToken, due: MonotonicInstant)?
    private var isWriting = false
    private var isEnding = false

    init(
        loop: EventLoop,
        store: any RoomMarkStore,
        limits: HubLimits,
        log: Log,
        evict: @escaping @Sendable (EventID, UserID) -> Void
    ) {
        self.loop = loop
        self.store = store
        self.limits = limits
        self.log = log
        self.evict = evict
    }

    var isIdle: Bool { !self.isWriting && self.news.isEmpty && self.marks.isEmpty }

    // MARK: What happens

    /// A socket is in the room; `position` is the last item that it was sent on the way in.
    func entered(_ event: EventID, _ user: UserID, upTo position: RoomPosition?) {
        let joinedAt = self.news[event]?.seq ?? 0
        self.present[event, default: [:]][user, default: Presence(joinedAt: joinedAt)].sockets += 1
        guard let position else { return }
        self.mark(Reader(event: event, user: user), Place(seq: position.seq, ordinal: position.ordinal))
        self.due(marksIn: self.limits.markInterval)
    }

    /// A socket is gone: what it was shown is marked soon.
    func left(_ event: EventID, _ user: UserID) {
        guard var presence = self.present[event]?[user] else { return }
        if let place = self.news[event], place.seq > presence.joinedAt {
            self.mark(Reader(event: event, user: user), place)
            self.due(marksIn: self.limits.leaveMarkDelay)
        }
        presence.sockets -= 1
        self.present[event]?[user] = presence.sockets > 0 ? presence : nil
        guard self.present[event]?.isEmpty == true else { return }
        self.present[event] = nil
        self.news[event] = nil
    }

    /// The room's members were shown an item.
    func shown(_ event: EventID, _ position: RoomPosition) {
        guard self.present[event] != nil else { return }
        self.news[event] = Place(seq: position.seq, ordinal: position.ordinal)
        guard self.newsDue == nil else { return }
        self.newsDue = self.loop.now + (self.isEnding ? .zero : self.limits.markInterval)
        self.arm()
    }

    /// The process ends: marks at once, and tries nothing twice.
    func finish() {
        self.isEnding = true
        if !self.news.isEmpty { self.newsDue = self.loop.now }
        if !self.marks.isEmpty { self.marksDue = self.loop.now }
        self.arm()
    }

    // MARK: Writing

    private func mark(_ reader: Reader, _ place: Place) {
        // A mark that is lost here only shows a message as unread that was seen.
        guard self.marks.count < self.limits.marksWaitingMax || self.marks[reader] != nil else { return }
        guard place.seq > self.marks[reader]?.seq ?? 0 else { return }
        self.marks[reader] = place
    }

    private func due(marksIn delay: Duration) {
        let due = self.loop.now + (self.isEnding ? .zero : delay)
        self.marksDue = min(self.marksDue ?? due, due)
        self.arm()
    }

    private func arm() {
        guard !self.isWriting, let due = [self.newsDue, self.marksDue].compactMap({ $0 }).min() else { return }
        if let timer = self.timer {
            guard due < timer.due else { return }
            self.loop.cancel(timer.token)
        }
        let token = self.loop.schedule(at: due) { [weak self] in
            guard let self else { return }
            self.timer = nil
            self.write(what: due)
        }
        self.timer = (token, due)
    }

    private func write(what due: MonotonicInstant) {
        var places: [Reader: Place] = [:]
        if let marksDue = self.marksDue, marksDue <= due {
            places = self.marks
            self.marks = [:]
            self.marksDue = nil
        }
        if let newsDue = self.newsDue, newsDue <= due {
            for (event, place) in self.news {
                for (user, presence) in self.present[event, default: [:]] where presence.joinedAt < place.seq {
                    places[Reader(event: event, user: user)] = place
                }
            }
            self.news = [:]
            self.newsDue = nil
        }
        self.isWriting = true
        let marks = places.map { reader, place in
            ReadMark(eventID: reader.event, userID: reader.user, seq: place.seq, ordinal: place.ordinal)
        }
        let bound = LoopBound(self, on: self.loop)
        Task(executorPreference: self.loop) { await bound.value.perform(marks) }
    }

    private func perform(_ marks: [ReadMark]) async {
        var rest = marks[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(self.limits.marksPerStatementMax))
            do throws(StoreError) {
                let others = try await self.store.markRead(batch)
                for other in others { self.evict(other.eventID, other.userID) }
                rest = rest.dropFirst(batch.count)
            } catch {
                self.keep(rest, error)
                rest = []
            }
        }
        self.isWriting = false
        self.arm()
    }

    private func keep(_ marks: ArraySlice<ReadMark>, _ error: StoreError) {
        self.log.warning(
            "read marks not moved",
            ["count": LogValue(Int64(marks.count)), "error": "\(error)"]
        )
        guard !self.isEnding, case .unavailable = error else { return }
        for mark in marks {
            self.mark(
                Reader(event: mark.eventID, user: mark.userID),
                Place(seq: mark.seq, ordinal: mark.ordinal)
            )
        }
        self.due(marksIn: self.limits.markRetryDelay)
    }
}
