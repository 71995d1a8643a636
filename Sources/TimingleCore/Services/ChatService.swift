/// What somebody wants to say.
package struct MessageDraft: Sendable, Equatable {
    package var eventID: EventID
    package var text: String
    package var clientID: ClientMessageID?
    package var replyTo: MessageID?
    package var type: MessageType
    package var attachments: [String]

    package init(
        eventID: EventID,
        text: String,
        clientID: ClientMessageID? = nil,
        replyTo: MessageID? = nil,
        type: MessageType = .text,
        attachments: [String] = []
    ) {
        self.eventID = eventID
        self.text = text
        self.clientID = clientID
        self.replyTo = replyTo
        self.type = type
        self.attachments = attachments
    }
}

/// What the chat allows.
package struct ChatLimits: Sendable, Equatable {
    package var textCharactersMax = 4_000
    package var attachmentBytesMax = 2_048
    package var messagesPerSecond = 10
    package var messagesBurst = 20
    package static let attachmentsMax = 10
    package static let pageMax = 200
    /// How often a page looks for items that the worker has yet to store, and after which pause.
    ///
    /// Often below a message that the client has: there, what is missing is sure to come.
    static let unstoredLooksBelowMessage = 10
    static let unstoredLooks = 3
    static let unstoredPause: Duration = .milliseconds(50)
    package static let systemSenderName = "timingle"

    package init() {}
}

/// Posting to and reading from rooms.
///
/// Any thread.
package final class ChatService: Sendable {
    let rooms: any ChatRooms
    private let access: any EventAccessStore
    let messages: any MessageStore
    let marks: any RoomMarkStore
    private let clock: any WallClock
    private let limits: ChatLimits
    private let buckets: UserTokenBuckets
    private let identifiers: IdentifierGenerator

    package init(
        rooms: any ChatRooms,
        access: any EventAccessStore,
        messages: any MessageStore,
        marks: any RoomMarkStore,
        clock: any WallClock,
        limits: ChatLimits = ChatLimits()
    ) {
        self.rooms = rooms
        self.access = access
        self.messages = messages
        self.marks = marks
        self.clock = clock
        self.limits = limits
        self.buckets = UserTokenBuckets(perSecond: limits.messagesPerSecond, burst: limits.messagesBurst)
        self.identifiers = IdentifierGenerator(clock: clock)
    }

    func now() -> Timestamp { self.clock.now() }
    func nextIdentifier() -> Identifier128 { self.identifiers.next() }

    /// Says something: returns once the broker holds it, and the room is shown it at the same moment.
    package func post(_ draft: MessageDraft, by requester: Requester) async throws(ServiceError) -> ChatMessage {
        try await self.send(draft, by: requester).message
    }

    /// As `post`; tells also whether it was said before under the same client id.
    package func send(_ draft: MessageDraft, by requester: Requester) async throws(ServiceError) -> PlacedMessage {
        let text = try self.validated(draft)
        if let seconds = self.buckets.take(user: requester.userID, now: self.clock.now()) {
            throw .rateLimited(retryAfterSeconds: seconds)
        }
        let access = try await self.member(draft.eventID, requester)
        guard !access.status.isTerminal else {
            // What was said before the event ended stays said.
            guard let said = try await self.said(draft, by: requester) else { throw .eventReadOnly }
            return PlacedMessage(said, isRepeat: true)
        }
        if let replyTo = draft.replyTo { try await self.requireMessage(replyTo, in: draft.eventID) }
        return try await self.rooms.place(
            RoomDraft(
                eventID: draft.eventID,
                senderID: requester.userID,
                senderName: requester.name,
                senderProfileURL: requester.profileImageURL,
                text: text,
                type: draft.type,
                attachments: draft.attachments,
                replyTo: draft.replyTo,
                clientID: draft.clientID
            )
        )
    }

    /// Moves the reader's mark up to a message.
    package func markRead(
        event: EventID,
        message id: MessageID,
        by requester: Requester
    ) async throws(ServiceError) {
        _ = try await self.member(event, requester)
        do throws(StoreError) {
            guard let message = try await self.messages.message(event: event, id: id) else { return }
            try await self.marks.markRead(
                event: event,
                user: requester.userID,
                seq: message.seq,
                ordinal: message.ordinal
            )
        } catch {
            throw error.asServiceError
        }
    }

    /// Takes no more messages and waits until those that were taken are answered.
    package func drain(deadline: Duration) async { await self.rooms.drain(deadline: deadline) }

    // MARK: Rules

    /// The event as its member sees it; 404 when there is none, 403 for a stranger.
    func member(_ event: EventID, _ requester: Requester) async throws(ServiceError) -> EventAccess {
        let access: EventAccess?
        do throws(StoreError) {
            access = try await self.access.access(event: event, user: requester.userID)
        } catch {
            throw error.asServiceError
        }
        guard let access else { throw .eventNotFound }
        guard access.membership.isMember else { throw .eventAccessDenied }
        return access
    }

    /// The text without white space around it.
    private func validated(_ draft: MessageDraft) throws(ServiceError) -> String {
        guard draft.type != .system else {
            throw .invalid(
                "message_type",
                ko: "시스템 메시지는 보낼 수 없습니다.",
                en: "System messages cannot be sent."
            )
        }
        let text = draft.text.trimmedOfWhiteSpace()
        let count = text.unicodeScalars.count
        let isCarrier = draft.type != .text && !draft.attachments.isEmpty
        guard text.showsSomething || isCarrier else {
            throw .invalid("message", ko: "메시지를 입력해 주세요.", en: "The message must not be empty.")
        }
        guard count <= self.limits.textCharactersMax else {
            throw .invalid(
                "message",
                ko: "메시지는 최대 \(self.limits.textCharactersMax)자까지 보낼 수 있습니다.",
                en: "A message may have at most \(self.limits.textCharactersMax) characters."
            )
        }
        guard !text.utf8.contains(0) else {
            throw .invalid("message", ko: "사용할 수 없는 문자가 있습니다.", en: "The message must not contain NUL.")
        }
        guard draft.attachments.count <= ChatLimits.attachmentsMax,
            draft.attachments.allSatisfy({ self.isLink($0) })
        else {
            throw .invalid(
                "attachments",
                ko: "첨부는 http(s) 주소로 최대 \(ChatLimits.attachmentsMax)개까지 가능합니다.",
                en: "attachments must be at most \(ChatLimits.attachmentsMax) http(s) URLs."
            )
        }
        return text
    }

    private func isLink(_ text: String) -> Bool {
        (text.hasPrefix("https://") || text.hasPrefix("http://"))
            && text.utf8.count <= self.limits.attachmentBytesMax
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }

    private func requireMessage(_ id: MessageID, in event: EventID) async throws(ServiceError) {
        // The newest messages may be known here before they are stored.
        if await self.rooms.message(id, in: event) != nil { return }
        let found: ChatMessage?
        do throws(StoreError) {
            found = try await self.messages.message(event: event, id: id)
        } catch {
            throw error.asServiceError
        }
        guard found != nil else {
            throw .invalid(
                "reply_to",
                ko: "답장할 메시지를 찾을 수 없습니다.",
                en: "reply_to must be a message of the same event."
            )
        }
    }

    /// The message that the requester sent before under the draft's client id.
    private func said(_ draft: MessageDraft, by requester: Requester) async throws(ServiceError) -> ChatMessage? {
        guard let clientID = draft.clientID else { return nil }
        let (event, sender) = (draft.eventID, requester.userID)
        if let known = await self.rooms.message(event: event, sender: sender, clientID: clientID) { return known }
        do throws(StoreError) {
            return try await self.messages.message(event: event, sender: sender, clientID: clientID)
        } catch {
            throw error.asServiceError
        }
    }
}
