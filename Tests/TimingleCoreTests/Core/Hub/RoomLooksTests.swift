import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

struct RoomLooksTests {
    /// What the looks of a test did; on the loop.
    private struct Seen {
        var begun: [Int64] = []
        var running = 0
        var runningMax = 0
        var ended = 0
        var isOpen = false
    }

    private func looks(
        on loop: EventLoop,
        _ seen: Locked<Seen>,
        more: @escaping (Int64, _ times: Int) -> Bool = { _, _ in false }
    ) -> RoomLooks {
        RoomLooks(loop: loop, atOnceMax: 8) { event in
            loop.preconditionInLoop()
            let times = seen.withLock { seen in
                seen.begun.append(event.rawValue)
                seen.running += 1
                seen.runningMax = max(seen.runningMax, seen.running)
                return seen.begun.count { $0 == event.rawValue }
            }
            while !seen.withLock({ $0.isOpen }) { try? await Task.sleep(for: .milliseconds(1)) }
            await Task.yield()
            seen.withLock { seen in
                seen.running -= 1
                seen.ended += 1
            }
            return more(event.rawValue, times)
        }
    }

    @Test func manyRoomsAreLookedAfterAFewAtATimeAndEachOnce() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let (loop, seen) = (group.loops[0], Locked(Seen()))
            let bound = try await loop.enter {
                let looks = self.looks(on: loop, seen)
                for room in Int64(1)...1_000 { #expect(looks.request(EventID(rawValue: room))) }
                #expect(!looks.request(EventID(rawValue: 1_000)))
                return LoopBound(looks, on: loop)
            }
            try await waitUntil { seen.withLock { $0.running } == 8 }
            seen.withLock { $0.isOpen = true }
            try await waitUntil { seen.withLock { $0.ended } == 1_000 }
            let isInOrder = seen.withLock { $0.begun } == Array(1...1_000)
            #expect(isInOrder)
            #expect(seen.withLock { $0.runningMax } == 8)
            _ = bound
        }
    }

    @Test func whoAsksWhileALookIsUnderWayGetsAnother() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let (loop, seen) = (group.loops[0], Locked(Seen()))
            let bound = try await loop.enter {
                let looks = self.looks(on: loop, seen)
                looks.request(EventID(rawValue: 5))
                return LoopBound(looks, on: loop)
            }
            try await waitUntil { seen.withLock { $0.running } == 1 }
            try await loop.enter {
                bound.value.request(EventID(rawValue: 5))
                bound.value.request(EventID(rawValue: 5))
            }
            seen.withLock { $0.isOpen = true }
            try await waitUntil { seen.withLock { $0.ended } == 2 }
            _ = try await loop.enter { bound.value.request(EventID(rawValue: 6)) }
            try await waitUntil { seen.withLock { $0.begun } == [5, 5, 6] }
        }
    }

    @Test func aRoomWithMuchToSeeWaitsBehindTheOthers() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let (loop, seen) = (group.loops[0], Locked(Seen()))
            let bound = try await loop.enter {
                let looks = self.looks(on: loop, seen) { room, times in room == 1 && times < 4 }
                for room in Int64(1)...20 { looks.request(EventID(rawValue: room)) }
                return LoopBound(looks, on: loop)
            }
            seen.withLock { $0.isOpen = true }
            try await waitUntil { seen.withLock { $0.ended } == 23 }
            let begun = seen.withLock { $0.begun }
            #expect(Array(begun.prefix(20)) == Array(1...20))
            #expect(begun.suffix(3) == [1, 1, 1])
            _ = bound
        }
    }
}
