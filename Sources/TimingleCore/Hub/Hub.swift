internal import Synchronization
package import TimingleNet

/// All rooms of this process: appends, shows, lets members in and puts them out.
///
/// Any thread. Each room has a home loop, where its order is kept. Its members are there, too, as far as they came for
/// this room alone.
package final class Hub: ChatRooms, RoomPublisher, RoomEvictor {
    private let group: EventLoopGroup
    private let shards: [LoopBound<HubShard>]
    private let sessions: [LoopBound<SessionRegistry>]
    private let relay: any RoomRelay
    private let isDraining = Atomic<Bool>(false)
    let limits: HubLimits
    let audience: any RoomAudience

    package init(
        group: EventLoopGroup,
        audience: any RoomAudience,
        broker: any MessageBroker,
        relay: any RoomRelay,
        messages: any MessageStore,
        marks: any RoomMarkStore,
        clock: any WallClock,
        limits: HubLimits = HubLimits(),
        log: Log
    ) {
        let dependencies = RoomDependencies(
            broker: broker,
            messages: messages,
            marks: marks,
            clock: clock,
            identifiers: IdentifierGenerator(clock: clock),
            limits: limits,
            log: log.labelled("hub")
        )
        self.group = group
        self.limits = limits
        self.audience = audience
        self.relay = relay
        let sessions = group.loops.map { LoopBound(SessionRegistry(), on: $0) }
        self.sessions = sessions
        let shards = group.loops.map { loop in
            let readers = RoomReaders(loop: loop, store: marks, limits: limits, log: dependencies.log) { event, user in
                Self.evict(event, user, from: sessions)
            }
            return LoopBound(
                HubShard(
                    loop: loop,
                    dependencies: dependencies,
                    audience: audience,
                    relay: relay,
                    readers: readers
                ),
                on: loop
            )
        }
        self.shards = shards
        relay.listen { event, item in
            let shard = shards[group.home(of: event.rawValue).index]
            shard.loop.execute { shard.value.announced(event, item) }
        }
        relay.listen(losses: {
            for shard in shards { shard.loop.execute { shard.value.announcementsMayBeLost() } }
        })
        relay.listen(signals: { signal in
            switch signal {
            case .evicted(let event, let user):
                Self.evict(event, user, from: sessions)
            case .typing(let event, let user, let name):
                guard audience.memberCount(room: event.rawValue) > 0 else { return }
                audience.publish(text: LegacyDialect.typing(user, name: name, event: event), to: event.rawValue)
            }
        })
    }

    private func shard(_ event: EventID) -> LoopBound<HubShard> { self.shards[self.home(of: event).index] }

    /// The loop where the room's order is kept; its members are best there, too.
    package func home(of event: EventID) -> EventLoop { self.group.home(of: event.rawValue) }

    // MARK: ChatRooms, RoomPublisher

    package var unstoredAge: Duration { self.limits.unstoredAge }

    package func append(_ draft: RoomDraft) async throws(ServiceError) -> ChatMessage {
        try await self.place(draft).message
    }

    /// As `append`; tells also whether the room was shown the message before.
    package func place(_ draft: RoomDraft) async throws(ServiceError) -> PlacedMessage {
        // People wait for the next process; the worker still finishes the batch in its hands.
        guard draft.type == .system || !self.isDraining.load(ordering: .relaxed) else {
            throw .notSent("the process is ending")
        }
        let shard = self.shard(draft.eventID)
        let result: Result<PlacedMessage, ServiceError> = await withCheckedContinuation { continuation in
            shard.onLoop { $0.append(draft) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }

    /// What this process remembers of the items above `low` and below `high`, oldest first, without a gap between them.
    package func remembered(event: EventID, above low: Int64, below high: Int64) async -> [ChatMessage] {
        let shard = self.shard(event)
        return await withCheckedContinuation { continuation in
            shard.onLoop { shard in
                continuation.resume(returning: shard.existing(event)?.remembered(above: low, below: high) ?? [])
            }
        }
    }

    /// The message, if this process remembers it.
    package func message(_ id: MessageID, in event: EventID) async -> ChatMessage? {
        let shard = self.shard(event)
        return await withCheckedContinuation { continuation in
            shard.onLoop { continuation.resume(returning: $0.existing(event)?.message(id)) }
        }
    }

    /// What the sender called `clientID`, if this process remembers it.
    package func message(event: EventID, sender: UserID, clientID: ClientMessageID) async -> ChatMessage? {
        let shard = self.shard(event)
        return await withCheckedContinuation { continuation in
            shard.onLoop { shard in
                let room = shard.existing(event)
                continuation.resume(returning: room?.message(sender: sender, clientID: clientID))
            }
        }
    }

    // MARK: Members

    /// Learns the room's position before its first member comes.
    func prepare(event: EventID) async {
        let shard = self.shard(event)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            shard.onLoop { _ in
                Task(executorPreference: shard.loop) {
                    await shard.value.room(event).prepare()
                    continuation.resume()
                }
            }
        }
    }

    /// Lets a session in with what it missed.
    ///
    /// On the session's loop.
    func join(_ session: LoopBound<ChatSession>, event: EventID, since: MessageID) {
        let shard = self.shard(event)
        shard.onLoop { _ in
            Task(executorPreference: shard.loop) {
                await shard.value.room(event).join(since: since) { catchUp, entered in
                    session.loop.execute {
                        session.value.admitted(catchUp)
                        entered()
                    }
                }
            }
        }
    }

    func register(_ session: ChatSession, on loop: EventLoop) { self.sessions[loop.index].value.add(session) }

    func unregister(_ session: ChatSession, on loop: EventLoop) { self.sessions[loop.index].value.remove(session) }

    /// The session is in the audience; `position` is the last item that it was sent on the way in.
    func entered(_ session: ChatSession, upTo position: RoomPosition?) {
        let (event, user) = (session.event, session.user)
        self.shard(event).onLoop { $0.entered(event, user, upTo: position) }
    }

    func left(_ session: ChatSession) {
        let (event, user) = (session.event, session.user)
        self.shard(event).onLoop { $0.readers.left(event, user) }
    }

    /// Here at once, in other processes as soon as they hear it.
    ///
    /// Who does not hear it learns it from the store, at the latest when the room's read marks move next: the system
    /// line about the change is such an occasion.
    package func evict(event: EventID, user: UserID) {
        Self.evict(event, user, from: self.sessions)
        self.relay.signal(.evicted(event, user))
    }

    /// Shows the room's members, here and in other processes, that somebody types.
    func typing(event: EventID, user: UserID, name: String) {
        self.audience.publish(text: LegacyDialect.typing(user, name: name, event: event), to: event.rawValue)
        self.relay.signal(.typing(event, user, name: name))
    }

    private static func evict(_ event: EventID, _ user: UserID, from sessions: [LoopBound<SessionRegistry>]) {
        for registry in sessions {
            registry.loop.execute { registry.value.evict(event: event, user: user) }
        }
    }

    // MARK: Life

    /// Takes no more drafts of people and waits, at most `deadline`, until those that were taken are answered and the
    /// marks of those who were here are moved.
    package func drain(deadline: Duration) async {
        self.isDraining.store(true, ordering: .relaxed)
        for shard in self.shards { shard.onLoop { $0.readers.finish() } }
        let end = MonotonicInstant.now + deadline
        while await self.inFlight() > 0, MonotonicInstant.now < end {
            guard (try? await pause(.milliseconds(10))) != nil else { return }
        }
    }

    private func inFlight() async -> Int {
        var sum = 0
        for shard in self.shards {
            sum += await withCheckedContinuation { continuation in
                shard.onLoop { continuation.resume(returning: $0.inFlight + ($0.readers.isIdle ? 0 : 1)) }
            }
        }
        return sum
    }
}

extension LoopBound {
    /// Runs `body` with the value: now when this is its loop, else there.
    func onLoop(_ body: @escaping @Sendable (Value) -> Void) {
        if self.loop.inLoop {
            body(self.value)
        } else {
            self.loop.execute { body(self.value) }
        }
    }
}

/// The sessions of one loop, to find those of one user in one room.
///
/// Loop-confined.
final class SessionRegistry {
    private var sessions: [EventID: [ObjectIdentifier: ChatSession]] = [:]

    var count: Int { self.sessions.values.reduce(0) { $0 + $1.count } }

    func add(_ session: ChatSession) { self.sessions[session.event, default: [:]][ObjectIdentifier(session)] = session }

    func remove(_ session: ChatSession) {
        self.sessions[session.event]?[ObjectIdentifier(session)] = nil
        if self.sessions[session.event]?.isEmpty == true { self.sessions[session.event] = nil }
    }

    func evict(event: EventID, user: UserID) {
        for session in self.sessions[event, default: [:]].values where session.user == user { session.evict() }
    }
}
