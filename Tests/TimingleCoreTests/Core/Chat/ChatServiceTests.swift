import Testing
import TimingleTestSupport

@testable import TimingleCore

struct ChatServiceTests {
    private func post(_ world: ChatWorld, _ draft: MessageDraft) async -> Result<ChatMessage, ServiceError> {
        do {
            return .success(try await world.service.post(draft, by: world.minsu))
        } catch {
            return .failure(error)
        }
    }

    @Test func theSenderIsSnapshottedAndTheTextTrimmed() async throws {
        try await ChatWorld.with { world in
            let message = try await world.service.post(
                MessageDraft(eventID: world.event, text: "\n\u{3000} 안녕 \u{a0}\t"),
                by: world.minsu
            )
            #expect(message.text == "안녕")
            #expect(message.senderName == "민수")
            #expect(message.senderProfileURL == "https://example.com/m.png")
        }
    }

    @Test(
        arguments: [
            ("", "VALIDATION_ERROR"), (" \u{2003}\n", "VALIDATION_ERROR"), ("a\u{0}b", "VALIDATION_ERROR"),
            ("\u{200b}\u{3164}", "VALIDATION_ERROR"), (.repeating("가", count: 4_001), "VALIDATION_ERROR"),
        ] as [(TextArgument, String)]
    )
    func badTextsAreRefused(text: TextArgument, code: String) async throws {
        try await ChatWorld.with { world in
            let result = await self.post(world, MessageDraft(eventID: world.event, text: text.value))
            guard case .failure(let error) = result else {
                Issue.record("accepted")
                return
            }
            #expect(error.code == code)
            #expect(world.broker.appendCount == 0)
        }
    }

    @Test func theLongestTextIsTaken() async throws {
        try await ChatWorld.with { world in
            let text = String(repeating: "🙂", count: 4_000)
            let result = await self.post(world, MessageDraft(eventID: world.event, text: text))
            #expect((try? result.get())?.text == text)
        }
    }

    @Test func attachmentsMustBeLinks() async throws {
        try await ChatWorld.with { world in
            for bad in [["ftp://x"], ["https://a b"], Array(repeating: "https://a", count: 11), ["javascript:x"]] {
                let draft = MessageDraft(eventID: world.event, text: "x", type: .image, attachments: bad)
                guard case .failure(let error) = await self.post(world, draft) else {
                    Issue.record("accepted \(bad)")
                    continue
                }
                #expect(error.field == "attachments")
            }
            let carrier = MessageDraft(eventID: world.event, text: "", type: .image, attachments: ["https://a/b.png"])
            let carried = try await self.post(world, carrier).get()
            #expect(carried.attachments == ["https://a/b.png"])
        }
    }

    @Test func strangersAndUnknownEventsAndReadOnlyEventsAreRefused() async throws {
        try await ChatWorld.with { world in
            let stranger = Requester(userID: UserID(rawValue: 9), name: "x")
            let draft = MessageDraft(eventID: world.event, text: "x")
            let denied = await world.error { () throws(ServiceError) in
                try await world.service.post(draft, by: stranger)
            }
            #expect(denied == .eventAccessDenied)
            let noPage = await world.error { () throws(ServiceError) in
                try await world.service.page(event: world.event, before: nil, after: nil, limit: 10, by: stranger)
            }
            #expect(noPage == .eventAccessDenied)
            let noSession = await world.error { () throws(ServiceError) in
                try await ChatSessions(service: world.service, hub: world.hub)
                    .make(event: world.event, requester: stranger, since: nil)
            }
            #expect(noSession == .eventAccessDenied)
            let unknown = MessageDraft(eventID: EventID(rawValue: 404), text: "x")
            let missing = await self.post(world, unknown)
            #expect(missing == .failure(.eventNotFound))
            for status in [EventStatus.canceled, .done] {
                world.rooms.set(world.event, world.minsu.userID, .creator, status: status)
                let readOnly = await self.post(world, draft)
                #expect(readOnly == .failure(.eventReadOnly))
            }
        }
    }

    @Test func aReplyNeedsAMessageOfTheSameEvent() async throws {
        try await ChatWorld.with { world in
            let first = try await self.post(world, MessageDraft(eventID: world.event, text: "a")).get()
            // Not stored yet, and still a message.
            let reply = MessageDraft(eventID: world.event, text: "b", replyTo: first.messageID)
            let replied = try await self.post(world, reply).get()
            #expect(replied.replyTo == first.messageID)
            let elsewhere = ChatMessage.sample(event: EventID(rawValue: 5), seq: 1)
            try await world.store.append([elsewhere])
            let wrong = MessageDraft(eventID: world.event, text: "c", replyTo: elsewhere.messageID)
            guard case .failure(let error) = await self.post(world, wrong) else {
                Issue.record("accepted")
                return
            }
            #expect(error.field == "reply_to")
        }
    }

    @Test func pagesAreNewestFirstAndIncludeWhatIsNotStoredYet() async throws {
        try await ChatWorld.with { world in
            var sent: [ChatMessage] = []
            for number in 0..<10 {
                world.clock.advance(by: .seconds(1))
                let message = try await self.post(world, MessageDraft(eventID: world.event, text: "\(number)")).get()
                sent.append(message)
                if number < 6 { try await world.store.append([message]) }
            }
            let all = try await world.page(limit: 50)
            #expect(all == Array((1...10).reversed()))
            #expect(world.rooms.mark(world.event, world.jiwoo.userID) == 10)
            let newest = try await world.page(limit: 3)
            #expect(newest == [10, 9, 8])
            let bySeq = try await world.page(before: .seq(5), limit: 2)
            #expect(bySeq == [4, 3])
            let byID = try await world.page(before: .message(sent[4].messageID), limit: 2)
            #expect(byID == [4, 3])
            let acrossTheStoresEnd = try await world.page(before: .message(sent[9].messageID), limit: 6)
            #expect(acrossTheStoresEnd == [9, 8, 7, 6, 5, 4])
            let beyondTheRoom = try await world.page(before: .seq(.max), limit: 3)
            #expect(beyondTheRoom == [10, 9, 8])
            let byTime = try await world.page(before: .time(sent[4].createdAt), limit: 2)
            #expect(byTime == [4, 3])
            let tooEarly = try await world.page(before: .time(Timestamp(milliseconds: 0)), limit: 2)
            #expect(tooEarly == [])
            let afterTime = try await world.page(after: .time(sent[2].createdAt), limit: 100)
            #expect(afterTime == [10, 9, 8, 7, 6, 5, 4])
            let afterID = try await world.page(after: .message(sent[7].messageID), limit: 100)
            #expect(afterID == [10, 9])
            let oldest = try await world.page(after: .seq(0), limit: 2)
            #expect(oldest == [2, 1])
            let unknown = MessageCursor.message(MessageID(rawValue: Identifier128(high: 4, low: 4)))
            let nothing = try await world.page(before: unknown, limit: 2)
            #expect(nothing == [])
        }
    }

    /// The worker stores in batches; another process may read between two of them.
    @Test func aPageWaitsForWhatLiesBelowAMessageThatIsThere() async throws {
        try await ChatWorld.with { world in
            var sent: [ChatMessage] = []
            for number in 0..<10 {
                sent.append(try await self.post(world, MessageDraft(eventID: world.event, text: "\(number)")).get())
            }
            try await world.store.append(Array(sent[..<6]) + [sent[9]])
            let reader = world.process(relay: world.broker)
            let cursor = MessageCursor.message(sent[9].messageID)
            async let page = reader.service.page(
                event: world.event,
                before: cursor,
                after: nil,
                limit: 6,
                by: world.jiwoo
            )
            try await world.store.append(Array(sent[6..<9]))
            let seqs = try await page.map(\.seq)
            #expect(seqs == [9, 8, 7, 6, 5, 4])
        }
    }

    /// A worker that was killed had 4, 5 and 8; another one stored what came later.
    @Test func holesThatTheKilledWorkerLeftAreFilledFromMemory() async throws {
        try await ChatWorld.with { world in
            var sent: [ChatMessage] = []
            for number in 0..<10 {
                sent.append(try await self.post(world, MessageDraft(eventID: world.event, text: "\(number)")).get())
            }
            try await world.store.append(sent.filter { ![4, 5, 8].contains($0.seq) })
            let newest = try await world.page(limit: 50)
            #expect(newest == Array((1...10).reversed()))
            let short = try await world.page(limit: 4)
            #expect(short == [10, 9, 8, 7])
            let below = try await world.page(before: .message(sent[8].messageID), limit: 4)
            #expect(below == [8, 7, 6, 5])
            let belowTheMissing = try await world.page(before: .message(sent[4].messageID), limit: 3)
            #expect(belowTheMissing == [4, 3, 2])
            let byNumber = try await world.page(before: .seq(9), limit: 3)
            #expect(byNumber == [8, 7, 6])
            let after = try await world.page(after: .seq(3), limit: 4)
            #expect(after == [7, 6, 5, 4])
            let afterTheMissing = try await world.page(after: .message(sent[3].messageID), limit: 2)
            #expect(afterTheMissing == [6, 5])
        }
    }

    /// What was put aside, or said before, is missing for ever.
    @Test func anOldHoleCostsNoWait() async throws {
        try await ChatWorld.with { world in
            var sent: [ChatMessage] = []
            for number in 0..<10 {
                sent.append(try await self.post(world, MessageDraft(eventID: world.event, text: "\(number)")).get())
            }
            try await world.store.append(sent.filter { $0.seq != 6 })
            let reader = world.process(relay: world.broker)
            func read(before: MessageCursor?) async throws -> (seqs: [Int64], looks: Int) {
                let looks = world.store.reads
                let page = try await reader.service.page(
                    event: world.event,
                    before: before,
                    after: nil,
                    limit: 10,
                    by: world.jiwoo
                )
                return (page.map(\.seq), world.store.reads - looks)
            }
            // Behind each look that finds a hole comes a pause.
            let young = try await read(before: .message(sent[6].messageID))
            #expect(young.seqs == [5, 4, 3, 2, 1])
            #expect(young.looks > 5)
            world.clock.advance(by: .seconds(60))
            let below = try await read(before: .message(sent[6].messageID))
            #expect(below.seqs == [5, 4, 3, 2, 1])
            // For the message it is to be before, and for the page.
            #expect(below.looks == 2)
            let all = try await read(before: nil)
            #expect(all.seqs == [10, 9, 8, 7, 5, 4, 3, 2, 1])
            #expect(all.looks == 1)
        }
    }

    @Test(arguments: [
        ("0190163d-8694-739b-aea5-966c26f8ad90", true), ("2026-01-15T10:00:00Z", true), ("17", true),
        ("0", false), ("-1", false), ("yesterday", false), ("", false),
    ])
    func cursorsAreParsed(text: String, isOne: Bool) {
        #expect((MessageCursor(text: text) != nil) == isOne)
    }

    @Test func bucketsEmptyFillAndAreBounded() {
        let buckets = UserTokenBuckets(perSecond: 10, burst: 20, usersMax: 100)
        let user = UserID(rawValue: 1)
        var now = Timestamp(milliseconds: 1_000_000)
        for _ in 0..<20 { #expect(buckets.take(user: user, now: now) == nil) }
        #expect(buckets.take(user: user, now: now) == 1)
        #expect(buckets.take(user: UserID(rawValue: 2), now: now) == nil)
        now = now + .milliseconds(100)
        #expect(buckets.take(user: user, now: now) == nil)
        #expect(buckets.take(user: user, now: now) == 1)
        #expect(buckets.take(user: user, now: now + .seconds(-3_600)) == 1)
        for number in Int64(10)..<1_000 { #expect(buckets.take(user: UserID(rawValue: number), now: now) == nil) }
        now = now + .seconds(1_000_000)
        for _ in 0..<20 { #expect(buckets.take(user: user, now: now) == nil) }
        #expect(buckets.take(user: user, now: now) == 1)
    }
}
