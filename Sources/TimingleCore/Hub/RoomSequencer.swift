internal import TimingleNet

/// What rooms need from outside; shared by all of them.
struct RoomDependencies: Sendable {
    let broker: any MessageBroker
    let messages: any MessageStore
    let marks: any RoomMarkStore
    let clock: any WallClock
    let identifiers: IdentifierGenerator
    let limits: HubLimits
    let log: Log
}

/// Gives each item of one room its place: one publication in flight, the broker decides between rivals.
///
/// Loop-confined (the room's home loop). What waits is a bounded queue in the order of arrival.
final class RoomSequencer {
    /// How far the room is, as far as we know; the broker refuses what is built on an old one.
    struct Head: Equatable {
        var position: RoomPosition
        /// Where the room's last item is in the stream, 0 when the stream has none.
        var streamSequence: UInt64
    }

    private struct Pending {
        let draft: RoomDraft
        /// How far the members had been shown the room when the draft came.
        let shownSeq: Int64
        let resume: (Result<PlacedMessage, ServiceError>) -> Void
    }

    private let event: EventID
    private let loop: EventLoop
    private let dependencies: RoomDependencies
    private var head: Head?
    /// The room was at least here once; a stream that was lost must not take it back.
    private var floor: RoomPosition?
    private var pending: [Pending] = []
    private var isRunning = false
    /// Finds a message that this process has shown and remembers by its client id.
    private let remembered: (UserID, ClientMessageID) -> ChatMessage?
    /// How far the members have been shown the room.
    private let shownSeq: () -> Int64
    /// Told of each item that the broker holds, before the sender is; answers whether it is new to the members.
    private let appended: (RoomItem) -> Bool

    init(
        event: EventID,
        loop: EventLoop,
        dependencies: RoomDependencies,
        remembered: @escaping (UserID, ClientMessageID) -> ChatMessage?,
        shownSeq: @escaping () -> Int64,
        appended: @escaping (RoomItem) -> Bool
    ) {
        self.event = event
        self.loop = loop
        self.dependencies = dependencies
        self.remembered = remembered
        self.shownSeq = shownSeq
        self.appended = appended
    }

    var isIdle: Bool { !self.isRunning }

    /// Queues a draft; `resume` is called on the loop, exactly once.
    func submit(_ draft: RoomDraft, _ resume: @escaping (Result<PlacedMessage, ServiceError>) -> Void) {
        guard self.pending.count < self.dependencies.limits.pendingPerRoomMax else {
            return resume(.failure(.roomBusy))
        }
        self.pending.append(Pending(draft: draft, shownSeq: self.shownSeq(), resume: resume))
        guard !self.isRunning else { return }
        self.isRunning = true
        let bound = LoopBound(self, on: self.loop)
        Task(executorPreference: self.loop) { await bound.value.run() }
    }

    private func run() async {
        while !self.pending.isEmpty {
            let batch = self.pending
            self.pending = []
            for item in batch { item.resume(await self.place(item)) }
        }
        self.isRunning = false
    }

    /// Others may have appended: the next draft asks where the room is.
    ///
    /// Only while idle.
    func forgetHead() { self.head = nil }

    /// Where the room is; asks broker and store when it is not known.
    func loadHead() async throws(BrokerError) -> Head {
        if let head = self.head { return head }
        let last = try await self.dependencies.broker.last(event: self.event)
        var position = self.floor ?? RoomPosition(seq: 0, ordinal: 0, createdAt: Timestamp(milliseconds: 0))
        let message = last.flatMap { RoomRecord.decode($0.payload) }
        if let message { position.rise(to: message.position) }
        if self.floor == nil {
            do throws(StoreError) {
                if let stored = try await self.storedPosition(suffices: message != nil) { position.rise(to: stored) }
            } catch {
                throw .unavailable("room position: \(error)")
            }
        }
        if last != nil, message == nil {
            self.dependencies.log.error(
                "the stream's last item is not ours",
                ["event_id": LogValue(self.event.rawValue)]
            )
        }
        // What was placed while the answers were on their way may be behind them: the floor only rises.
        self.raiseFloor(to: position)
        let head = Head(position: self.floor ?? position, streamSequence: last?.sequence ?? 0)
        if self.head == nil { self.head = head }
        return head
    }

    /// How far the stored room is, or may be taken to be.
    ///
    /// With the store away the stream's last item suffices: it was given its place with the store in view. Where the
    /// stream has none, all that was ever stored was acknowledged and, before that, noted with the marks.
    private func storedPosition(suffices streamTells: Bool) async throws(StoreError) -> RoomPosition? {
        do throws(StoreError) {
            return try await self.dependencies.messages.position(event: self.event)
        } catch {
            if streamTells { return nil }
            self.dependencies.log.debug("room position from its marks", ["error": "\(error)"])
            return try await self.dependencies.marks.position(event: self.event)
        }
    }

    // MARK: One draft

    private func place(_ pending: Pending) async -> Result<PlacedMessage, ServiceError> {
        let draft = pending.draft
        if let clientID = draft.clientID {
            if let known = self.remembered(draft.senderID, clientID) {
                return .success(self.known(known, to: pending))
            }
            do throws(StoreError) {
                let stored = try await self.dependencies.messages.message(
                    event: self.event,
                    sender: draft.senderID,
                    clientID: clientID
                )
                if let stored { return .success(self.known(stored, to: pending)) }
            } catch {
                // People talk with the store away: the broker's window and the store's refusal of a second row remain.
                // Whoever tells of a change tries again, and may do so days later.
                if case .unavailable = error, draft.type == .system { return .failure(.notSent("\(error)")) }
            }
        }
        do throws(BrokerError) {
            return .success(try await self.publish(pending, messageID: MessageID(rawValue: self.nextIdentifier())))
        } catch {
            self.dependencies.log.warning(
                "message not sent",
                ["event_id": LogValue(self.event.rawValue), "error": "\(error)"]
            )
            return .failure(.notSent("\(error)"))
        }
    }

    /// A message that was appended before, here or elsewhere.
    ///
    /// Its sender needs no answer of its own where the members, and the sender among them, were shown it while the
    /// draft was under way: by an announcement, or because the stream was looked into.
    private func known(_ message: ChatMessage, to pending: Pending) -> PlacedMessage {
        let shown = message.clientID.flatMap { self.remembered(message.senderID, $0) }
        let wasShownMeanwhile = shown?.messageID == message.messageID && message.seq > pending.shownSeq
        return PlacedMessage(message, isRepeat: !wasShownMeanwhile)
    }

    private func nextIdentifier() -> Identifier128 { self.dependencies.identifiers.next() }

    private func publish(_ pending: Pending, messageID: MessageID) async throws(BrokerError) -> PlacedMessage {
        let draft = pending.draft
        let limits = self.dependencies.limits
        let key = draft.key ?? draft.clientID.map { "\(draft.eventID).\(draft.senderID).\($0)" } ?? "\(messageID)"
        let deadline = MonotonicInstant.now + limits.sendDeadline
        var attempt = 0
        var lastError: BrokerError = .unavailable("no attempt was made")
        while attempt < limits.attemptsMax, MonotonicInstant.now < deadline {
            attempt += 1
            let head = try await self.loadHead()
            let message = self.message(draft, after: head.position, messageID: messageID)
            let json = JSONWriter.bytes(of: message)
            do throws(BrokerError) {
                let receipt = try await self.dependencies.broker.append(
                    event: self.event,
                    payload: RoomRecord.encode(message, json: json),
                    key: key,
                    expectedLast: head.streamSequence
                )
                guard receipt.isDuplicate else {
                    _ = self.accept(RoomItem(message: message, streamSequence: receipt.sequence, json: json))
                    return PlacedMessage(message, isRepeat: false)
                }
                return try await self.original(pending, receipt)
            } catch {
                lastError = error
                switch error {
                case .wrongLastSequence:
                    self.head = nil
                    // Rivals who both try again at once would meet again.
                    if attempt > 2 { await self.wait(milliseconds: Int.random(in: 1...(2 * attempt))) }
                case .outcomeUnknown:
                    // The same key again: if the first one arrived, the broker says so.
                    self.head = nil
                    await self.wait(milliseconds: Int.random(in: 20...100))
                case .unavailable, .rejected:
                    throw error
                }
            }
        }
        throw lastError
    }

    private func wait(milliseconds: Int) async { _ = try? await pause(.milliseconds(milliseconds)) }

    private func message(_ draft: RoomDraft, after last: RoomPosition, messageID: MessageID) -> ChatMessage {
        let now = self.dependencies.clock.now()
        return ChatMessage(
            eventID: self.event,
            seq: last.seq + 1,
            ordinal: last.ordinal + (draft.type == .system ? 0 : 1),
            createdAt: max(now, Timestamp(milliseconds: last.createdAt.milliseconds + 1)),
            messageID: messageID,
            clientID: draft.clientID,
            senderID: draft.senderID,
            senderName: draft.senderName,
            senderProfileURL: draft.senderProfileURL,
            text: draft.text,
            type: draft.type,
            attachments: draft.attachments,
            replyTo: draft.replyTo,
            metadata: draft.metadata
        )
    }

    private func accept(_ item: RoomItem) -> Bool {
        self.head = Head(position: item.message.position, streamSequence: item.streamSequence)
        self.raiseFloor(to: item.message.position)
        return self.appended(item)
    }

    private func raiseFloor(to position: RoomPosition) {
        var floor = self.floor ?? position
        floor.rise(to: position)
        self.floor = floor
    }

    /// The item that the broker holds under the same key: an earlier try of ours, or of the same client elsewhere.
    private func original(_ pending: Pending, _ receipt: BrokerReceipt) async throws(BrokerError) -> PlacedMessage {
        let draft = pending.draft
        if let item = try await self.dependencies.broker.item(at: receipt.sequence),
            let message = RoomRecord.decode(item.payload), message.eventID == self.event
        {
            let item = RoomItem(message: message, streamSequence: receipt.sequence)
            let isNew = message.seq > (self.floor?.seq ?? 0) ? self.accept(item) : self.appended(item)
            return isNew ? PlacedMessage(message, isRepeat: false) : self.known(message, to: pending)
        }
        if let clientID = draft.clientID,
            let stored = try? await self.dependencies.messages.message(
                event: self.event,
                sender: draft.senderID,
                clientID: clientID
            )
        {
            return self.known(stored, to: pending)
        }
        throw .unavailable("the message was sent before, but cannot be read")
    }
}

extension RoomPosition {
    mutating func rise(to other: RoomPosition) {
        self.seq = max(self.seq, other.seq)
        self.ordinal = max(self.ordinal, other.ordinal)
        self.createdAt = max(self.createdAt, other.createdAt)
    }
}

extension ChatMessage {
    var position: RoomPosition {
        RoomPosition(seq: self.seq, ordinal: self.ordinal, createdAt: self.createdAt)
    }
}

extension ServiceError {
    /// Too much waits in this room; asking again makes sense.
    static let roomBusy = ServiceError(
        .unavailable,
        code: "ROOM_BUSY",
        ko: "메시지가 너무 많이 몰리고 있습니다. 잠시 후 다시 시도해 주세요.",
        en: "The room is busy. Please try again shortly."
    )

    /// The broker did not take it; nobody was shown it.
    static func notSent(_ underlying: String) -> ServiceError {
        ServiceError(
            .unavailable,
            code: "MESSAGE_NOT_SENT",
            ko: "메시지를 보내지 못했습니다. 잠시 후 다시 시도해 주세요.",
            en: "The message could not be sent. Please try again shortly.",
            underlying: underlying
        )
    }
}
