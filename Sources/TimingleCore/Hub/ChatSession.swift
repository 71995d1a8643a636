package import TimingleNet

/// One socket of one user in one room, in the shipped app's dialect.
///
/// Loop-confined. Frames are worked off one after the other, in the order of arrival; what waits is bounded.
package final class ChatSession: WebSocketHandler {
    private enum Phase {
        case new, joining, joined, ended
    }

    let event: EventID
    private let requester: Requester
    private let since: MessageID?
    private let service: ChatService
    private let hub: Hub
    private var peer: (any ChatPeer)?
    private var loop: EventLoop?
    private var phase: Phase = .new
    private var queue: [LegacyCommand] = []
    private var isWorking = false
    private var isPresent = false
    private var lastTyping: MonotonicInstant?
    /// Frames that may still be refused, as of the time.
    private var refusals = (left: ChatSession.refusalsMax, asOf: MonotonicInstant?.none)

    private static let queueMax = 64
    /// Each refusal is an answer of one or two frames; whoever goes on sending what is refused is put out.
    private static let refusalsMax = 200
    private static let refusalsPerSecond = 10
    private static let typingInterval: Duration = .seconds(3)

    init(event: EventID, requester: Requester, since: MessageID?, service: ChatService, hub: Hub) {
        self.event = event
        self.requester = requester
        self.since = since
        self.service = service
        self.hub = hub
    }

    var user: UserID { self.requester.userID }

    // MARK: WebSocketHandler

    package func opened(_ socket: WebSocketConnection) { self.begin(self.hub.audience.peer(for: socket)) }

    package func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) { self.received(text) }

    package func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) { self.binary() }

    package func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) { self.end() }

    // MARK: Life

    func begin(_ peer: any ChatPeer) {
        precondition(self.phase == .new, "a session has one socket")
        self.peer = peer
        self.loop = peer.loop
        self.hub.register(self, on: peer.loop)
        guard let since = self.since else {
            self.phase = .joined
            self.enter(peer, upTo: nil)
            return
        }
        self.phase = .joining
        self.hub.join(LoopBound(self, on: peer.loop), event: self.event, since: since)
    }

    /// The room lets us in: what was missed goes out before anything live.
    func admitted(_ catchUp: CatchUp) {
        guard self.phase == .joining, let peer = self.peer else { return }
        self.phase = .joined
        var last: RoomPosition?
        switch catchUp {
        case .missed(let frames, let position):
            for frame in frames { peer.send(frame) }
            last = position
        case .positionLost:
            peer.send(LegacyDialect.error(.positionLost, event: self.event, language: self.requester.language))
        }
        self.enter(peer, upTo: last)
        self.work()
    }

    private func enter(_ peer: any ChatPeer, upTo position: RoomPosition?) {
        peer.join(room: self.event.rawValue)
        self.isPresent = true
        self.hub.entered(self, upTo: position)
    }

    /// The socket is gone; what came by it before is still done, though nobody hears of it.
    func end() {
        guard self.phase != .ended, let peer = self.peer else { return }
        self.phase = .ended
        peer.leave()
        self.hub.unregister(self, on: peer.loop)
        if self.isPresent { self.hub.left(self) }
        self.peer = nil
        self.work()
    }

    /// The user is no longer a member.
    func evict() {
        self.notify(
            LocalizedText(ko: "더 이상 이 약속의 참여자가 아닙니다.", en: "You are no longer a member of this event.")
        )
        self.peer?.leave()
        self.peer?.close(.notAMember, reason: "no longer a member")
    }

    // MARK: Frames

    func received(_ text: Span<UInt8>) {
        guard self.phase == .joining || self.phase == .joined else { return }
        do throws(ServiceError) {
            let command = try LegacyDialect.parse(text, event: self.event)
            switch command {
            case .ping:
                self.peer?.send(LegacyDialect.pong(event: self.event, at: self.service.now()))
            case .typing:
                self.typing()
            case .message, .read:
                guard self.queue.count < Self.queueMax else { throw .tooManyPending }
                self.queue.append(command)
                self.work()
            }
        } catch {
            self.refuse(error)
        }
    }

    func binary() { self.peer?.close(.unsupportedData, reason: "text frames only") }

    private func typing() {
        guard self.phase == .joined else { return }
        let now = MonotonicInstant.now
        if let last = self.lastTyping, now - last < Self.typingInterval { return }
        self.lastTyping = now
        self.hub.typing(event: self.event, user: self.user, name: self.requester.name)
    }

    private func work() {
        guard !self.isWorking, self.worksOff, !self.queue.isEmpty, let loop = self.loop else { return }
        self.isWorking = true
        let bound = LoopBound(self, on: loop)
        Task(executorPreference: loop) { await bound.value.workOff() }
    }

    private var worksOff: Bool { self.phase == .joined || self.phase == .ended }

    private func workOff() async {
        while self.worksOff, !self.queue.isEmpty {
            let command = self.queue.removeFirst()
            do throws(ServiceError) {
                try await self.perform(command)
            } catch {
                self.refuse(error)
            }
        }
        self.isWorking = false
    }

    private func perform(_ command: LegacyCommand) async throws(ServiceError) {
        switch command {
        case .message(let text, let replyTo, let clientID, let type, let attachments):
            let draft = MessageDraft(
                eventID: self.event,
                text: text,
                clientID: clientID,
                replyTo: replyTo,
                type: type,
                attachments: attachments
            )
            let placed = try await self.service.send(draft, by: self.requester)
            // The echo is the acknowledgement, and the room's members had theirs.
            guard placed.isRepeat else { return }
            self.peer?.send(BroadcastFrame(textBytes: JSONWriter.bytes(of: placed.message)))
        case .read(let messageID):
            try await self.service.markRead(event: self.event, message: messageID, by: self.requester)
        case .typing, .ping:
            break
        }
    }

    /// Says what was wrong: to programs as an error frame, to people as a line that the shipped app shows.
    private func refuse(_ error: ServiceError) {
        guard let peer = self.peer else { return }
        guard self.mayRefuse(at: peer.loop.now) else {
            peer.leave()
            return peer.close(.flood, reason: "too much that is refused")
        }
        peer.send(LegacyDialect.error(error, event: self.event, language: self.requester.language))
        switch error.kind {
        case .badRequest: break
        case .forbidden where error.code == ServiceError.eventAccessDenied.code: self.evict()
        case .unauthenticated, .forbidden, .notFound, .conflict, .gone, .invalid, .rateLimited, .unavailable:
            self.notify(error.text)
        }
    }

    private func mayRefuse(at now: MonotonicInstant) -> Bool {
        let seconds = self.refusals.asOf.map { Int($0.duration(to: now) / .seconds(1)) } ?? 0
        if seconds > 0 || self.refusals.asOf == nil { self.refusals.asOf = now }
        self.refusals.left = min(Self.refusalsMax, self.refusals.left + seconds * Self.refusalsPerSecond) - 1
        return self.refusals.left >= 0
    }

    private func notify(_ text: LocalizedText) {
        self.peer?.send(
            LegacyDialect.notice(
                text[self.requester.language],
                event: self.event,
                at: self.service.now(),
                id: self.service.nextIdentifier()
            )
        )
    }
}
