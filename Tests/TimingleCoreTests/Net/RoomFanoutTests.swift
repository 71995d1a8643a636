import Dispatch
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct RoomFanoutTests {
    /// A member over a socket in memory.
    ///
    /// Loop-confined.
    private final class Member {
        let socket: MemorySocket
        let handler = RecordingWebSocketHandler()
        let stream: StreamConnection
        let webSocket: WebSocketConnection
        var membership: RoomMembership?

        init(_ loop: EventLoop, limits: WebSocketLimits = WebSocketLimits(), room: Int? = nil) throws {
            self.socket = MemorySocket(room: room)
            self.stream = StreamConnection(
                io: try self.socket.io(),
                loop: loop,
                peerAddress: .unspecified,
                handler: InertStreamHandler.shared
            )
            self.webSocket = WebSocketConnection(
                stream: self.stream,
                handler: self.handler,
                settings: WebSocketSettings(limits)
            )
            self.webSocket.open()
            try self.stream.open()
        }

        var texts: [String] {
            (WebSocketServerFrame.all(in: self.socket.written) ?? []).map {
                String(decoding: $0.payload, as: UTF8.self)
            }
        }
    }

    private typealias Members = LoopBound<[Member]>

    /// Lets every loop finish what it was handed.
    private func settle(_ group: EventLoopGroup) async throws {
        for _ in 0..<3 { for loop in group.loops { try await loop.enter {} } }
    }

    private func end(_ group: EventLoopGroup, _ members: [Members]) async throws {
        for box in members { try await box.loop.enter { for member in box.value { member.stream.abort() } } }
        try await self.settle(group)
    }

    /// Spreads `count` members of room 1 over the loops.
    private func join(_ fanout: RoomFanout, _ group: EventLoopGroup, count: Int) async throws -> [Members] {
        var result: [Members] = []
        for loop in group.loops {
            let share = count / group.loops.count + (loop.index < count % group.loops.count ? 1 : 0)
            let box = Members([], on: loop)
            try await loop.enter {
                for _ in 0..<share {
                    let member = try Member(loop)
                    member.membership = fanout.join(room: 1, member.webSocket)
                    box.value.append(member)
                }
            }
            result.append(box)
        }
        return result
    }

    // A session for each takes its time.
    @Test(arguments: [1, 100, TestTransport.current == .tls ? 300 : 10_000])
    func everyMemberGetsEveryPublicationInOrder(count: Int) async throws {
        try await withEventLoopGroup(count: 2) { group in
            let fanout = RoomFanout(group: group)
            let members = try await self.join(fanout, group, count: count)
            #expect(fanout.memberCount(room: 1) == count)
            for number in 0..<5 { fanout.publish(BroadcastFrame(text: "\(number)"), to: 1) }
            fanout.publish(BroadcastFrame(text: "elsewhere"), to: 2)
            try await self.settle(group)
            for box in members {
                let allRight = try await box.loop.enter {
                    box.value.allSatisfy { $0.texts == ["0", "1", "2", "3", "4"] && $0.socket.writeCount <= 5 }
                }
                #expect(allRight)
            }
            try await self.end(group, members)
        }
    }

    @Test func aSlowMemberIsClosedAndTheOthersDoNotNotice() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let fanout = RoomFanout(group: group)
            let members = Members([], on: loop)
            try await loop.enter {
                var limits = WebSocketLimits()
                limits.outboxBytes = 2_000
                for index in 0..<10 {
                    let member = try Member(loop, limits: limits, room: index == 4 ? 0 : nil)
                    let membership = fanout.join(room: 1, member.webSocket)
                    member.membership = membership
                    member.handler.onClosed = { _ in fanout.leave(membership) }
                    members.value.append(member)
                }
            }
            let text = String(repeating: "a", count: 900)
            for _ in 0..<5 {
                fanout.publish(BroadcastFrame(text: text), to: 1)
                try await self.settle(group)
            }
            #expect(fanout.memberCount(room: 1) == 9)
            try await loop.enter {
                for (index, member) in members.value.enumerated() {
                    #expect(member.texts.count == (index == 4 ? 0 : 5))
                    #expect(member.handler.closed == (index == 4 ? [.tryAgainLater] : []))
                }
            }
            try await self.end(group, [members])
            #expect(fanout.memberCount(room: 1) == 0)
        }
    }

    @Test func aPublicationAfterAJoinReachesTheNewMember() async throws {
        try await withEventLoopGroup(count: 2) { group in
            let fanout = RoomFanout(group: group)
            let members = Members([], on: group.loops[0])
            // Another publisher goes on all the while, one publication in flight; after each join one must arrive.
            let noise = Task(executorPreference: group.loops[1]) {
                while !Task.isCancelled {
                    fanout.publish(BroadcastFrame(text: "noise"), to: 1)
                    try await group.loops[0].enter {}
                }
            }
            for number in 0..<50 {
                try await group.loops[0].enter {
                    let member = try Member(group.loops[0])
                    member.membership = fanout.join(room: 1, member.webSocket)
                    members.value.append(member)
                }
                fanout.publish(BroadcastFrame(text: "mark \(number)"), to: 1)
            }
            noise.cancel()
            try await noise.value
            try await self.settle(group)
            try await group.loops[0].enter {
                for (index, member) in members.value.enumerated() {
                    let marks = member.texts.filter { $0 != "noise" }
                    // All from its own on; one that was on its way when it joined may have come before.
                    let first = 50 - marks.count
                    #expect(first <= index && marks == (first..<50).map { "mark \($0)" })
                }
            }
            try await self.end(group, [members])
        }
    }

    @Test func aLateLeaveDoesNotRemoveANewerStay() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let fanout = RoomFanout(group: group)
            let members = Members([], on: loop)
            try await loop.enter {
                let (old, new) = (try Member(loop), try Member(loop))
                members.value = [old, new]
                let first = fanout.join(room: 1, old.webSocket)
                fanout.leave(first)
                #expect(fanout.memberCount(room: 1) == 0)
                let second = fanout.join(room: 1, new.webSocket)
                fanout.leave(first)
                #expect(fanout.memberCount(room: 1) == 1)
                fanout.publish(BroadcastFrame(text: "x"), to: 1)
                #expect(second != first)
            }
            try await self.settle(group)
            try await loop.enter { #expect(members.value.map(\.texts) == [[], ["x"]]) }
            try await self.end(group, [members])
        }
    }

    @Test func aSocketMayBeInManyRoomsAndTwiceInOne() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let fanout = RoomFanout(group: group)
            let members = Members([], on: loop)
            try await loop.enter {
                let member = try Member(loop)
                members.value = [member]
                for room in 1...20 as ClosedRange<Int64> { _ = fanout.join(room: room, member.webSocket) }
                _ = fanout.join(room: 1, member.webSocket)
            }
            for room in 1...20 as ClosedRange<Int64> { fanout.publish(BroadcastFrame(text: "\(room)"), to: room) }
            try await self.settle(group)
            try await loop.enter {
                #expect(members.value[0].texts == ["1"] + (1...20).map { "\($0)" })
            }
            try await self.end(group, [members])
        }
    }

    @Test func aLoopThatIsTooFarBehindPartsFromWhoMissedSomething() async throws {
        try await withEventLoopGroup(count: 2) { group in
            var limits = RoomLimits()
            limits.inboxBytes = 10_000
            let fanout = RoomFanout(group: group, limits: limits)
            let (room1, room2) = (try await self.join(fanout, group, count: 4), Members([], on: group.loops[1]))
            try await group.loops[1].enter {
                let member = try Member(group.loops[1])
                member.membership = fanout.join(room: 2, member.webSocket)
                room2.value.append(member)
            }
            // The second loop stands still; the first goes on.
            let gate = DispatchSemaphore(value: 0)
            group.loops[1].execute { gate.wait() }
            let texts = (0..<20).map { "\($0):" + String(repeating: "x", count: 1_000) }
            fanout.publish(BroadcastFrame(text: "for the other room"), to: 2)
            for text in texts {
                fanout.publish(BroadcastFrame(text: text), to: 1)
                try await group.loops[0].enter {}
            }
            gate.signal()
            try await self.settle(group)
            try await group.loops[0].enter {
                for member in room1[0].value { #expect(member.texts == texts && member.handler.closed.isEmpty) }
            }
            try await group.loops[1].enter {
                for member in room1[1].value {
                    // All that came before the gap, then the Close, and nothing behind it.
                    let count = member.texts.count - 1
                    #expect(count > 5 && count < 10 && Array(member.texts.prefix(count)) == Array(texts.prefix(count)))
                    #expect(member.handler.closed == [.tryAgainLater])
                }
                #expect(room2.value[0].texts == ["for the other room"] && room2.value[0].handler.closed.isEmpty)
            }
            try await self.end(group, room1 + [room2])
        }
    }

    @Test func onlyLoopsWithMembersAreAsked() async throws {
        try await withEventLoopGroup(count: 2) { group in
            let fanout = RoomFanout(group: group)
            let members = try await self.join(fanout, group, count: 1)
            try await group.loops[0].enter {
                if let membership = members[0].value[0].membership { fanout.leave(membership) }
            }
            #expect(fanout.memberCount(room: 1) == 0)
            fanout.publish(BroadcastFrame(text: "to nobody"), to: 1)
            try await self.settle(group)
            try await group.loops[0].enter { #expect(members[0].value[0].texts.isEmpty) }
            try await self.end(group, members)
        }
    }
}
