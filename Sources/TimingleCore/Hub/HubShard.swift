internal import TimingleNet

/// The rooms whose home is one loop.
///
/// Loop-confined.
final class HubShard {
    private let loop: EventLoop
    private let dependencies: RoomDependencies
    private let audience: any RoomAudience
    private let relay: any RoomRelay
    let readers: RoomReaders
    private var rooms: [EventID: HubRoom] = [:]
    private var sweepIsScheduled = false
    private var patrolIsScheduled = false
    /// After a search for rooms to forget that found few: when the next one is worth its while.
    private var nextSearch: (count: Int, time: MonotonicInstant)?
    private lazy var looks = RoomLooks(
        loop: self.loop,
        atOnceMax: self.dependencies.limits.looksAtOnceMax
    ) { [weak self] event in await self?.rooms[event]?.look() ?? false }
    /// Drafts that were taken and not yet answered.
    private(set) var inFlight = 0

    init(
        loop: EventLoop,
        dependencies: RoomDependencies,
        audience: any RoomAudience,
        relay: any RoomRelay,
        readers: RoomReaders
    ) {
        self.loop = loop
        self.dependencies = dependencies
        self.audience = audience
        self.relay = relay
        self.readers = readers
    }

    var roomCount: Int { self.rooms.count }

    /// The room, made if need be.
    func room(_ event: EventID) -> HubRoom {
        if let room = self.rooms[event] {
            room.touch()
            return room
        }
        if self.rooms.count >= self.dependencies.limits.roomsPerLoopMax { self.makeRoom() }
        let room = HubRoom(
            event: event,
            loop: self.loop,
            dependencies: self.dependencies,
            audience: self.audience,
            relay: self.relay,
            readers: self.readers
        )
        self.rooms[event] = room
        self.scheduleSweep()
        self.schedulePatrol()
        return room
    }

    func existing(_ event: EventID) -> HubRoom? { self.rooms[event] }

    func append(_ draft: RoomDraft, _ resume: @escaping (Result<PlacedMessage, ServiceError>) -> Void) {
        self.inFlight += 1
        self.room(draft.eventID).append(draft) { [self] result in
            self.inFlight -= 1
            resume(result)
        }
    }

    /// An item that another process appended; of interest only where the room has members or is remembered.
    func announced(_ event: EventID, _ item: BrokerItem) {
        guard self.rooms[event] != nil || self.audience.memberCount(room: event.rawValue) > 0 else { return }
        guard let message = RoomRecord.decode(item.payload), message.eventID == event else { return }
        self.room(event).offer(RoomItem(message: message, streamSequence: item.sequence))
    }

    /// Somebody is in the room: from now on its position has to be known, so that what is not announced is missed.
    func entered(_ event: EventID, _ user: UserID, upTo position: RoomPosition?) {
        self.readers.entered(event, user, upTo: position)
        guard self.rooms[event]?.isPlaced != true else { return }
        _ = self.room(event)
        self.looks.request(event)
    }

    // MARK: What nobody announced

    /// Announcements may have been lost: rooms in use are looked after now, of the others the position is forgotten.
    func announcementsMayBeLost() {
        for room in self.rooms.values {
            if room.isForgettable {
                room.forgetPosition()
            } else {
                room.missed()
                self.looks.request(room.event)
            }
        }
    }

    /// Every so often some of the rooms with members that were silent for long are looked after, and those whose look
    /// failed.
    private func schedulePatrol() {
        guard !self.patrolIsScheduled else { return }
        self.patrolIsScheduled = true
        self.loop.schedule(after: self.dependencies.limits.lookInterval / 16) { [weak self] in
            guard let self else { return }
            self.patrolIsScheduled = false
            self.patrol()
            if !self.rooms.isEmpty { self.schedulePatrol() }
        }
    }

    /// An eighth of the rooms at a time: those that were looked after together must not stay together for ever.
    private func patrol() {
        let limit = self.loop.now - self.dependencies.limits.lookInterval
        var left = self.rooms.count / 8 + 1
        for room in self.rooms.values where room.mayHaveMissed || room.lastNews <= limit {
            guard left > 0 else { return }
            guard self.audience.memberCount(room: room.event.rawValue) > 0 else { continue }
            if self.looks.request(room.event) { left -= 1 }
        }
    }

    // MARK: Forgetting

    private func scheduleSweep() {
        guard !self.sweepIsScheduled else { return }
        self.sweepIsScheduled = true
        self.loop.schedule(after: self.dependencies.limits.roomIdleTime / 4) { [weak self] in
            guard let self else { return }
            self.sweepIsScheduled = false
            self.forget(idleFor: self.dependencies.limits.roomIdleTime)
            if !self.rooms.isEmpty { self.scheduleSweep() }
        }
    }

    /// Forgets rooms that were idle for the time.
    private func forget(idleFor time: Duration) {
        for room in self.forgettable(idleFor: time) { self.rooms[room.event] = nil }
    }

    private func forgettable(idleFor time: Duration) -> [HubRoom] {
        let limit = self.loop.now - time
        return self.rooms.values.filter { $0.lastUsed <= limit && $0.isForgettable }
    }

    /// There are too many rooms: forgets the older half of those that may go.
    ///
    /// The search looks at all rooms. Where it found few, the next one waits until there are a quarter more, or for
    /// some seconds: rooms that are all in use must not be looked through for each new one.
    private func makeRoom() {
        let count = self.rooms.count
        if let next = self.nextSearch, count < next.count, self.loop.now < next.time { return }
        let idle = self.forgettable(idleFor: .zero).sorted { $0.lastUsed < $1.lastUsed }
        let gone = idle.prefix((idle.count + 1) / 2)
        for room in gone { self.rooms[room.event] = nil }
        let isPlenty = gone.count >= max(1, count / 4)
        self.nextSearch = isPlenty ? nil : (count + max(1, count / 4), self.loop.now + Self.searchInterval)
    }

    private static let searchInterval: Duration = .seconds(5)
}
