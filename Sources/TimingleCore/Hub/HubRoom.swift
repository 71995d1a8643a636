internal import TimingleNet

/// What a joining member is told of what it missed.
enum CatchUp: Sendable {
    /// Everything after its position, oldest first; may be nothing, and then there is no last item.
    case missed([BroadcastFrame], upTo: RoomPosition?)
    /// Too much, or an unknown position: the client reads over REST.
    case positionLost
}

/// One room on its home loop: places items, shows them in order, lets members in without a gap.
///
/// Loop-confined.
final class HubRoom {
    let event: EventID
    private let loop: EventLoop
    private let dependencies: RoomDependencies
    private let audience: any RoomAudience
    private let relay: any RoomRelay
    private let readers: RoomReaders
    private var order = RoomOrder()
    /// Members who are being let in: until they are in the audience, frames wait.
    private var barriers = 0
    private var textsAtBarrier: [[UInt8]] = []
    private var gapTimer: TimerToken?
    /// Somebody reads the stream.
    private var isReading = false
    /// How often in a row nothing of what is missing was found.
    private var failedReads = 0
    /// The stream may have what was not shown: announcements may have been lost, and it was not read to its end since.
    private(set) var mayHaveMissed = false
    /// Whoever reads the stream is to read it once more.
    private var readsOn = false
    /// When something was last shown here, or the stream was read to its end.
    private(set) var lastNews: MonotonicInstant
    /// Work that must not lose the room to eviction.
    private var pins = 0
    private(set) var lastUsed: MonotonicInstant
    private var sequencer: RoomSequencer?

    init(
        event: EventID,
        loop: EventLoop,
        dependencies: RoomDependencies,
        audience: any RoomAudience,
        relay: any RoomRelay,
        readers: RoomReaders
    ) {
        self.event = event
        self.loop = loop
        self.dependencies = dependencies
        self.audience = audience
        self.relay = relay
        self.readers = readers
        self.lastUsed = loop.now
        self.lastNews = loop.now
        self.sequencer = nil
    }

    /// A room that nobody looks at and that does nothing may be forgotten.
    var isForgettable: Bool {
        self.pins == 0 && self.barriers == 0 && !self.isReading && (self.sequencer?.isIdle ?? true)
            && self.audience.memberCount(room: self.event.rawValue) == 0
    }

    /// Whether it is known how far the room is.
    var isPlaced: Bool { self.order.lastSeq != nil }

    func touch() { self.lastUsed = self.loop.now }

    // MARK: Appending

    func append(_ draft: RoomDraft, _ resume: @escaping (Result<PlacedMessage, ServiceError>) -> Void) {
        self.sequencerMade().submit(draft, resume)
    }

    private func sequencerMade() -> RoomSequencer {
        if let sequencer = self.sequencer { return sequencer }
        let made = RoomSequencer(
            event: self.event,
            loop: self.loop,
            dependencies: self.dependencies,
            remembered: { [weak self] sender, clientID in
                self?.order.message(sender: sender, clientID: clientID)
            },
            shownSeq: { [weak self] in self?.order.shownSeq ?? 0 },
            appended: { [weak self] item in self?.appended(item) ?? false }
        )
        self.sequencer = made
        return made
    }

    /// The broker holds the item: it is shown here and announced to the other processes, at the same moment.
    ///
    /// False when it was shown before.
    private func appended(_ item: RoomItem) -> Bool {
        let isNew = item.message.seq > self.order.lastSeq ?? 0
        self.offer(item)
        let payload = RoomRecord.encode(item.message, json: item.json)
        self.relay.announce(event: self.event, item: BrokerItem(sequence: item.streamSequence, payload: payload))
        return isNew
    }

    // MARK: Showing

    /// Takes an item from here or from another process.
    func offer(_ item: RoomItem) {
        self.show(self.order.offer(item))
        self.watchGap()
    }

    private func show(_ items: [RoomItem]) {
        for item in items {
            if self.barriers > 0 {
                self.textsAtBarrier.append(item.json)
            } else {
                self.audience.publish(text: item.json, to: self.event.rawValue)
            }
        }
        guard let last = items.last else { return }
        self.lastNews = self.loop.now
        self.readers.shown(self.event, last.message.position)
    }

    private func watchGap() {
        guard self.order.hasGap || self.readsOn else {
            self.failedReads = 0
            if let timer = self.gapTimer { self.loop.cancel(timer) }
            self.gapTimer = nil
            return
        }
        guard self.gapTimer == nil, !self.isReading else { return }
        self.gapTimer = self.loop.schedule(at: .now + self.dependencies.limits.gapPatience) { [weak self] in
            guard let self else { return }
            self.gapTimer = nil
            guard !self.isReading else { return }
            self.isReading = true
            let bound = LoopBound(self, on: self.loop)
            Task(executorPreference: self.loop) { _ = await bound.value.read() }
        }
    }

    // MARK: Reading the stream

    private enum StreamEnd {
        /// Everything was shown.
        case reached
        /// The next item is not the one that is missing.
        case hole
        /// There is more.
        case distant
        case unknown
    }

    /// Announcements may have been lost, and there is nobody here to be shown anything: the next one to come asks anew
    /// where the room is.
    ///
    /// What is remembered stays, and so does what must not be taken back: how far the room was.
    func forgetPosition() {
        self.order.forgetPosition()
        self.sequencer?.forgetHead()
        self.mayHaveMissed = false
        self.readsOn = false
        self.watchGap()
    }

    /// Announcements may have been lost: a look is due, until one succeeds.
    func missed() { self.mayHaveMissed = true }

    /// Shows what the stream has and nobody announced; true when there is more than one look shows.
    func look() async -> Bool {
        guard self.order.lastSeq != nil else {
            await self.prepare()
            if self.order.lastSeq == nil { self.mayHaveMissed = true } else { self.streamWasRead() }
            return false
        }
        guard !self.isReading else {
            // The answer that is on its way may be older than the loss.
            self.readsOn = true
            return false
        }
        self.isReading = true
        return await self.read() == .distant
    }

    private func streamWasRead() {
        self.mayHaveMissed = false
        self.lastNews = self.loop.now
    }

    /// Shows what was not shown yet; after three times without any progress the members go on without what is missing.
    private func read() async -> StreamEnd {
        let before = self.order.lastStreamSequence
        self.readsOn = false
        var end = StreamEnd.unknown
        do throws(BrokerError) {
            end = try await self.readStream()
        } catch {
            // Without a gap nobody waits, and all rooms may have come to ask at once.
            if self.order.hasGap {
                self.dependencies.log.warning(
                    "missing items cannot be fetched",
                    ["event_id": LogValue(self.event.rawValue), "error": "\(error)"]
                )
            }
        }
        self.isReading = false
        switch end {
        case .reached:
            // Unless another read was asked for while the last answer was on its way.
            if !self.readsOn { self.streamWasRead() }
        case .hole, .distant, .unknown:
            self.mayHaveMissed = true
        }
        let isStuck = self.order.hasGap && self.order.lastStreamSequence == before
        self.failedReads = isStuck ? self.failedReads + 1 : 0
        if self.failedReads >= Self.failedReadsMax, let gap = self.order.gap {
            self.failedReads = 0
            self.dependencies.log.error(
                "items are missing",
                ["event_id": LogValue(self.event.rawValue), "from": LogValue(gap.missing)]
            )
            self.show(self.order.skipGap())
            // What stands behind the hole in the stream was not seen yet.
            self.readsOn = self.readsOn || end == .hole
        }
        self.watchGap()
        return end
    }

    /// Shows what the stream has behind the last item that was shown, as far as its end, a hole, or the most that is
    /// read in one go.
    private func readStream() async throws(BrokerError) -> StreamEnd {
        for _ in 0..<RoomOrder.waitingMax {
            let from = self.order.lastStreamSequence + 1
            guard let item = try await self.dependencies.broker.next(event: self.event, from: from) else {
                return .reached
            }
            let message = RoomRecord.decode(item.payload)
            guard let message, message.seq > self.order.lastSeq ?? 0, message.storageRefusal == nil else {
                // Not an item, or one that will never be stored, or one that was shown meanwhile, perhaps from another
                // place of the stream.
                self.order.passed(streamSequence: item.sequence)
                continue
            }
            let shown = self.order.offer(RoomItem(message: message, streamSequence: item.sequence))
            // The stream is in the order of the room: what it has not before this item it has no more.
            guard !shown.isEmpty else { return .hole }
            self.show(shown)
        }
        return .distant
    }

    private static let failedReadsMax = 3

    // MARK: Joining

    /// Learns how far the room is, so that its first live item is not mistaken for its first one.
    func prepare() async {
        guard self.order.lastSeq == nil else { return }
        self.pins += 1
        defer { self.pins -= 1 }
        do throws(BrokerError) {
            let sequencer = self.sequencerMade()
            let head = try await sequencer.loadHead()
            guard sequencer.isIdle || self.audience.memberCount(room: self.event.rawValue) == 0 else {
                // The head may be an item of ours of which we do not know yet that it was taken: the members are to
                // see it. It tells the position, too.
                self.mayHaveMissed = true
                return
            }
            self.order.begin(seq: head.position.seq, streamSequence: head.streamSequence)
        } catch {
            // The first item that comes will be the beginning.
            self.dependencies.log.debug("room position unknown", ["error": "\(error)"])
        }
    }

    func remembered(above low: Int64, below high: Int64) -> [ChatMessage] {
        self.order.remembered(above: low, below: high)
    }

    func message(_ id: MessageID) -> ChatMessage? { self.order.message(id) }

    func message(sender: UserID, clientID: ClientMessageID) -> ChatMessage? {
        self.order.message(sender: sender, clientID: clientID)
    }

    /// Lets a member in: it gets what it missed after `since`, and then everything, each once and in order.
    ///
    /// `admit` is called with what was missed; the member must be in the audience when `entered` is called.
    func join(
        since: MessageID,
        admit: (CatchUp, @escaping @Sendable () -> Void) -> Void
    ) async {
        await self.prepare()
        self.pins += 1
        defer { self.pins -= 1 }
        let missed = await self.missed(since: since)
        self.barriers += 1
        let bound = LoopBound(self, on: self.loop)
        admit(missed) { bound.loop.execute { bound.value.entered() } }
    }

    private func entered() {
        self.barriers -= 1
        guard self.barriers == 0 else { return }
        let texts = self.textsAtBarrier
        self.textsAtBarrier = []
        for text in texts { self.audience.publish(text: text, to: self.event.rawValue) }
    }

    /// What was shown after the client's position; ends in the same turn in which the room's memory was read.
    private func missed(since: MessageID) async -> CatchUp {
        let limits = self.dependencies.limits
        var collected: [ChatMessage] = []
        do throws(StoreError) {
            guard var position = try await self.storedSeq(of: since) else { return .positionLost }
            for round in 0..<12 {
                if let tail = self.order.tail(after: position) {
                    guard collected.count + tail.count <= limits.catchUpMax else { return .positionLost }
                    return Self.catchUp(collected + tail)
                }
                if let lastSeq = self.order.lastSeq, lastSeq - position > Int64(limits.catchUpMax - collected.count) {
                    return .positionLost
                }
                let stored = try await self.dependencies.messages.page(
                    event: self.event,
                    after: position,
                    limit: limits.catchUpMax
                )
                // The writer may be behind, or one of several: what is missing will be there in a moment, or never.
                let before = position
                let now = self.dependencies.clock.now()
                for message in stored {
                    let isOld = now - message.createdAt > limits.unstoredAge
                    guard message.seq == position + 1 || isOld || round > 6 else { break }
                    collected.append(message)
                    position = message.seq
                }
                guard collected.count <= limits.catchUpMax else { return .positionLost }
                if position == before {
                    guard self.order.lastSeq != nil else { return Self.catchUp(collected) }
                    _ = try? await pause(.milliseconds(100))
                }
            }
        } catch {
            self.dependencies.log.warning("catch-up failed", ["error": "\(error)"])
        }
        return .positionLost
    }

    private static func catchUp(_ messages: [ChatMessage]) -> CatchUp {
        .missed(
            messages.map { BroadcastFrame(textBytes: JSONWriter.bytes(of: $0)) },
            upTo: messages.last?.position
        )
    }

    private func storedSeq(of id: MessageID) async throws(StoreError) -> Int64? {
        if let seq = self.order.seq(of: id) { return seq }
        return try await self.dependencies.messages.message(event: self.event, id: id)?.seq
    }
}
