import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

struct ChatSessionTests {
    @Test func everybodyInTheRoomSeesAMessageOnceTheSenderToo() async throws {
        try await ChatWorld.with { world in
            let first = try await world.open(world.minsu, loop: 0)
            let second = try await world.open(world.jiwoo, loop: 1)
            for number in 0..<10 { first.send(#"{"message":"hi \#(number)"}"#) }
            #expect(await eventually { first.seqs.count == 10 && second.seqs.count == 10 })
            #expect(first.seqs == Array(1...10))
            #expect(second.seqs == Array(1...10))
            try await first.end()
            second.send(#"{"message":"alone"}"#)
            #expect(await eventually { second.seqs.count == 11 })
            #expect(first.seqs.count == 10)
        }
    }

    /// "Send, then leave": all of it in one read of the socket, its end included.
    @Test(arguments: [false, true])
    func whatCameBeforeTheEndIsSaid(isCatchingUp: Bool) async throws {
        try await ChatWorld.with { world in
            let other = try await world.open(world.jiwoo, loop: 1)
            let before = try await world.hub.append(world.draft("before"))
            let loop = world.group.loops[0]
            try await loop.enter {
                let session = ChatSession(
                    event: world.event,
                    requester: world.minsu,
                    since: isCatchingUp ? before.messageID : nil,
                    service: world.service,
                    hub: world.hub
                )
                session.begin(MemoryPeer(loop: loop, audience: world.audience))
                for number in 0..<3 { session.received(Array(#"{"message":"bye \#(number)"}"#.utf8).span) }
                session.end()
                session.received(Array(#"{"message":"from nowhere"}"#.utf8).span)
            }
            #expect(await eventually { other.seqs == [1, 2, 3, 4] })
            #expect(other.peer.frames.suffix(3).enumerated().allSatisfy { $1.contains("bye \($0)") })
            #expect(other.peer.closedWith == nil)
        }
    }

    @Test func whoSendsOnWhatIsRefusedIsPutOut() async throws {
        try await ChatWorld.with { world in
            let session = try await world.open(world.minsu)
            for _ in 0..<400 { session.send("{}") }
            #expect(await eventually { session.peer.closedWith == 4509 })
            #expect(session.errorCodes.count >= 200)
            #expect(!session.peer.isIn)
            // Whoever is slow in learning is not.
            let learner = try await world.open(world.jiwoo)
            for _ in 0..<150 { learner.send("{}") }
            #expect(await eventually { learner.errorCodes.count == 150 })
            learner.send(#"{"message":"at last"}"#)
            #expect(await eventually { learner.seqs == [1] })
            #expect(learner.peer.closedWith == nil)
        }
    }

    @Test func aRefusalIsAnErrorFrameAndALineForPeople() async throws {
        try await ChatWorld.with { world in
            let session = try await world.open(world.minsu)
            session.send(#"{"message":"   "}"#)
            #expect(await eventually { session.errorCodes == ["VALIDATION_ERROR"] && session.peer.frames.count == 2 })
            session.send("nonsense")
            #expect(await eventually { session.errorCodes == ["VALIDATION_ERROR", "INVALID_JSON"] })
            #expect(session.peer.frames.count == 3)
            world.rooms.set(world.event, world.minsu.userID, .creator, status: .canceled)
            session.send(#"{"message":"too late"}"#)
            #expect(await eventually { session.errorCodes.last == "EVENT_READ_ONLY" })
            world.broker.isAway = true
            world.rooms.set(world.event, world.minsu.userID, .creator)
            session.send(#"{"message":"away"}"#)
            #expect(await eventually { session.errorCodes.last == "MESSAGE_NOT_SENT" })
            #expect(session.peer.closedWith == nil)
        }
    }

    @Test func whoIsNoLongerAMemberIsPutOut() async throws {
        try await ChatWorld.with { world in
            let session = try await world.open(world.jiwoo)
            let other = try await world.open(world.minsu)
            world.hub.evict(event: world.event, user: world.jiwoo.userID)
            #expect(await eventually { session.peer.closedWith == 4507 })
            #expect(!session.peer.isIn)
            #expect(other.peer.closedWith == nil)
            // Also when it is found out by a message.
            world.rooms.set(world.event, world.minsu.userID, .participant(.declined))
            other.send(#"{"message":"still here?"}"#)
            #expect(await eventually { other.peer.closedWith == 4507 })
        }
    }

    @Test func binaryFramesEndTheSession() async throws {
        try await ChatWorld.with { world in
            let session = try await world.open(world.minsu)
            let bound = session.session
            try await bound.loop.enter { bound.value.binary() }
            #expect(session.peer.closedWith == 1003)
        }
    }

    @Test func typingIsRelayedAtMostOnceInThreeSeconds() async throws {
        try await ChatWorld.with { world in
            let session = try await world.open(world.minsu)
            for _ in 0..<5 { session.send(#"{"type":"typing"}"#) }
            session.send(#"{"type":"ping"}"#)
            #expect(await eventually { session.peer.frames.contains { $0.contains("\"pong\"") } })
            #expect(await eventually { world.audience.frames(world.event.rawValue).count == 1 })
            #expect(world.broker.appendCount == 0)
        }
    }

    @Test func whatIsSentAgainIsEchoedToTheSendersSocketOnly() async throws {
        try await ChatWorld.with { world in
            let frame = #"{"message":"once","client_id":"00000000-0000-0001-0000-000000000007"}"#
            let sender = try await world.open(world.minsu)
            let other = try await world.open(world.jiwoo, loop: 1)
            sender.send(frame)
            #expect(await eventually { sender.seqs == [1] && other.seqs == [1] })
            // Remembered by this process, on the same socket and on the sender's next one.
            sender.send(frame)
            let next = try await world.open(world.minsu, loop: 1)
            next.send(frame)
            #expect(await eventually { sender.seqs == [1, 1] && next.seqs == [1] })
            #expect(Set(sender.peer.frames + next.peer.frames).count == 1)
            // Said before the event ended.
            world.rooms.set(world.event, world.minsu.userID, .creator, status: .canceled)
            next.send(frame)
            next.send(#"{"message":"new","client_id":"00000000-0000-0001-0000-000000000008"}"#)
            #expect(await eventually { next.seqs == [1, 1] && next.errorCodes == ["EVENT_READ_ONLY"] })
            #expect(other.seqs == [1] && sender.seqs == [1, 1])
            #expect(world.broker.messages(world.event).count == 1)
        }
    }

    @Test func whatOnlyTheStoreKnowsIsEchoedAsItWas() async throws {
        try await ChatWorld.with { world in
            let first = try await world.hub.append(world.draft("long ago", client: 7))
            try await world.store.append([first])
            world.broker.loseEverything()
            let process = world.process(relay: MemoryBroker())
            let sender = try await world.open(world.minsu, in: process)
            let other = try await world.open(world.jiwoo, in: process)
            sender.send(#"{"message":"long ago","client_id":"00000000-0000-0001-0000-000000000007"}"#)
            #expect(await eventually { sender.seqs == [first.seq] })
            #expect(sender.peer.frames == [String(decoding: JSONWriter.bytes(of: first), as: UTF8.self)])
            #expect(other.peer.frames.isEmpty)
        }
    }

    @Test func anItemWhoseAnswerWasLostIsEchoedOnce() async throws {
        try await ChatWorld.with { world in
            let sender = try await world.open(world.minsu)
            let other = try await world.open(world.jiwoo)
            world.broker.fail(.storedButUnknown)
            sender.send(#"{"message":"lost","client_id":"00000000-0000-0001-0000-000000000009"}"#)
            sender.send(#"{"message":"end"}"#)
            #expect(await eventually { sender.seqs == [1, 2] && other.seqs == [1, 2] })
        }
    }

    @Test func theRateLimitIsTold() async throws {
        try await ChatWorld.with { world in
            let session = try await world.open(world.minsu)
            for number in 0..<30 { session.send(#"{"message":"\#(number)"}"#) }
            #expect(await eventually { session.seqs.count == 20 && session.errorCodes.count == 10 })
            #expect(session.errorCodes.allSatisfy { $0 == "RATE_LIMIT_EXCEEDED" })
        }
    }

    @Test func sinceGivesWhatWasMissedBeforeAnythingLiveOnceAndInOrder() async throws {
        try await ChatWorld.with { world in
            var ids: [MessageID] = []
            for number in 0..<200 {
                let message = try await world.hub.append(world.draft("\(number)"))
                ids.append(message.messageID)
                // The worker is behind by some.
                if number < 150 { try await world.store.append([message]) }
            }
            let isDone = Locked(false)
            // Few enough that the room still remembers what the store lacks, however slow a session opens.
            let allowance = Locked(0)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    while !isDone.withLock({ $0 }) {
                        let mayWrite = allowance.withLock { left in
                            left = max(-1, left - 1)
                            return left >= 0
                        }
                        guard mayWrite else {
                            try await Task.sleep(for: .milliseconds(1))
                            continue
                        }
                        let message = try await world.hub.append(world.draft("live"))
                        try await world.store.append([message])
                        try await Task.sleep(for: .milliseconds(1))
                    }
                }
                for (index, since) in [20, 199, 120, 60].enumerated() {
                    allowance.withLock { $0 = 4 }
                    let session = try await world.open(world.jiwoo, since: ids[since], loop: index % 2)
                    let reached = session.seqs.last ?? 0
                    allowance.withLock { $0 = 8 }
                    #expect(await eventually { (session.seqs.last ?? 0) > reached + 5 })
                    try await session.end()
                    let seqs = session.seqs
                    #expect(seqs.first == Int64(since) + 2)
                    #expect(zip(seqs, seqs.dropFirst()).allSatisfy { $0 + 1 == $1 }, "from \(since)")
                }
                isDone.withLock { $0 = true }
                try await tasks.waitForAll()
            }
        }
    }

    @Test func anUnknownOrTooOldPositionIsTold() async throws {
        try await ChatWorld.with { world in
            let all = (1...400).map { ChatMessage.sample(event: world.event, seq: Int64($0)) }
            try await world.store.append(all)
            let unknown = try await world.open(
                world.jiwoo,
                since: MessageID(rawValue: Identifier128(high: 9, low: 9))
            )
            #expect(await eventually { unknown.errorCodes == ["POSITION_LOST"] })
            let old = try await world.open(world.jiwoo, since: all[10].messageID)
            #expect(await eventually { old.errorCodes == ["POSITION_LOST"] })
            let fine = try await world.open(world.jiwoo, since: all[350].messageID)
            #expect(await eventually { fine.seqs == Array(352...400) })
            world.clock.advance(by: .seconds(60))
            fine.send(#"{"message":"live"}"#)
            #expect(await eventually { fine.seqs.last == 401 && unknown.seqs == [401] })
        }
    }
}
