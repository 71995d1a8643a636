import Dispatch
import Glibc
import Synchronization
import Testing
import TimingleNet
import TimingleTestSupport

struct EventLoopTests {
    @Test func aTaskThatPrefersALoopResumesOnItAfterEachAwait() async throws {
        try await withEventLoopGroup(count: 2) { group in
            for loop in group.loops {
                let onLoop = await Task(executorPreference: loop) {
                    let before = loop.inLoop
                    await Task.yield()
                    return before && loop.inLoop
                }.value
                #expect(onLoop)
            }
        }
    }

    @Test(arguments: ThreadScheduling.allCases)
    func loopsRunWithTheSchedulingThatIsAskedFor(_ scheduling: ThreadScheduling) async throws {
        try await withEventLoopGroup(count: 2, scheduling: scheduling) { group in
            for loop in group.loops {
                let seen = try await loop.enter { ThreadScheduling.current }
                #expect(seen == scheduling)
            }
        }
    }

    @Test func workIsRunInTheOrderOfTheCalls() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let order = LoopBound<[Int]>([], on: loop)
            for number in 0..<1_000 { loop.execute { order.value.append(number) } }
            let seen = try await loop.enter { order.value }
            #expect(seen == Array(0..<1_000))
        }
    }

    @Test func deadlinesFireInOrderAndCancelledOnesDoNot() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let fired = LoopBound<[Int]>([], on: loop)
            await withCheckedContinuation { continuation in
                loop.execute {
                    loop.schedule(after: .milliseconds(2)) { fired.value.append(2) }
                    loop.schedule(after: .milliseconds(1)) { fired.value.append(1) }
                    let cancelled = loop.schedule(after: .milliseconds(3)) { fired.value.append(3) }
                    #expect(loop.cancel(cancelled))
                    #expect(!loop.cancel(cancelled))
                    loop.schedule(after: .milliseconds(4)) { continuation.resume() }
                }
            }
            let seen = try await loop.enter { fired.value }
            #expect(seen == [1, 2])
        }
    }

    /// More than one wait brings: a deadline that passed while the loop stood still must not judge what came meanwhile.
    @Test(arguments: [1, 300, 900])
    func aLoopThatStoodStillReadsBeforeItsTimersFire(socketCount: Int) async throws {
        final class Reader: ReadinessHandler {
            let descriptors: (near: CInt, far: CInt)
            let heard: () -> Void
            init(_ heard: @escaping () -> Void) {
                var pair: [CInt] = [0, 0]
                socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair)
                self.descriptors = (pair[0], pair[1])
                self.heard = heard
            }
            func descriptorReady(_ readiness: Readiness) {
                var byte = UInt8(0)
                if recv(self.descriptors.near, &byte, 1, 0) == 1 { self.heard() }
            }
        }
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let log = LoopBound<[String]>([], on: loop)
            let readers = LoopBound<[(Reader, RegistrationID)]>([], on: loop)
            try await loop.enter {
                for _ in 0..<socketCount {
                    let reader = Reader { log.value.append("read") }
                    readers.value.append(
                        (reader, try loop.register(reader.descriptors.near, interest: .read, handler: reader))
                    )
                }
                loop.schedule(after: .milliseconds(1)) { log.value.append("timer") }
                usleep(50_000)
                for (reader, _) in readers.value { send(reader.descriptors.far, [1], 1, 0) }
            }
            try await waitUntil { try await loop.enter { log.value.count == socketCount + 1 } }
            let order = try await loop.enter { log.value }
            #expect(order.last == "timer")
            try await loop.enter {
                for (reader, registration) in readers.value {
                    try loop.deregister(registration)
                    close(reader.descriptors.near)
                    close(reader.descriptors.far)
                }
            }
        }
    }

    /// As long as there is always more to read, timers fire all the same.
    @Test func timersThatAreLateFireInTheEnd() async throws {
        final class Insatiable: ReadinessHandler {
            var count = 0
            func descriptorReady(_ readiness: Readiness) {
                self.count += 1
                usleep(100)
            }
        }
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let fired = LoopBound(false, on: loop)
            // Each has a byte that nobody reads.
            let descriptors = (0..<400).map { _ in
                var pair: [CInt] = [0, 0]
                socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair)
                send(pair[1], [1], 1, 0)
                return (near: pair[0], far: pair[1])
            }
            let handler = LoopBound(Insatiable(), on: loop)
            let registrations = LoopBound<[RegistrationID]>([], on: loop)
            try await loop.enter {
                registrations.value = try descriptors.map {
                    try loop.register($0.near, interest: .read, handler: handler.value)
                }
                loop.schedule(after: .milliseconds(1)) { fired.value = true }
            }
            try await waitUntil { try await loop.enter { fired.value } }
            try await loop.enter { for registration in registrations.value { try loop.deregister(registration) } }
            for descriptor in descriptors.flatMap({ [$0.near, $0.far] }) { close(descriptor) }
        }
    }

    @Test func aTimerThatReArmsItselfDoesNotHoldUpTheLoop() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let fired = LoopBound(0, on: loop)
            loop.execute {
                func again() {
                    fired.value += 1
                    if fired.value < 1_000 { loop.schedule(after: .zero) { again() } }
                }
                again()
            }
            try await waitUntil { try await loop.enter { fired.value } == 1_000 }
        }
    }

    @Test func turnEndHandlersRunOnceAfterTheTurnsWork() async throws {
        final class Flusher: TurnEndHandler {
            var log: [String] = []
            func turnEnded() { self.log.append("flush") }
        }
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let flusher = LoopBound<Flusher?>(nil, on: loop)
            try await loop.enter {
                let new = Flusher()
                flusher.value = new
                loop.atTurnEnd(new)
                new.log.append("asked")
                loop.execute { flusher.value?.log.append("work of the same turn") }
            }
            let log = try await loop.enter { flusher.value?.log }
            #expect(log == ["asked", "work of the same turn", "flush"])
        }
    }

    /// A loop that has handed something to another wakes it at the end of its turn, be that its last.
    @Test func otherLoopsAreWokenAtTheEndOfATurn() async throws {
        try await withEventLoopGroup(count: 3) { group in
            let (sender, waiting) = (group.loops[0], group.loops[1...])
            for _ in 0..<200 {
                // What runs next there has nothing else to wake it.
                let order: [Int] = await withCheckedContinuation { continuation in
                    let heard = Mutex<[Int]>([])
                    sender.execute {
                        for number in 0..<6 {
                            waiting[1 + number % 2].execute {
                                let all = heard.withLock { heard in
                                    heard.append(number)
                                    return heard.count == 6 ? heard : nil
                                }
                                if let all { continuation.resume(returning: all) }
                            }
                        }
                    }
                }
                #expect(order.filter { $0 % 2 == 0 } == [0, 2, 4] && order.filter { $0 % 2 == 1 } == [1, 3, 5])
            }
        }
    }

    @Test func theLastTurnWakesOthersToo() async throws {
        let (first, second) = (try EventLoop(index: 0), try EventLoop(index: 1))
        let ended = DispatchGroup()
        for loop in [first, second] { DispatchQueue(label: "test.loop").async(group: ended) { loop.run() } }
        first.execute {
            first.stop()
            second.stop()
        }
        await withCheckedContinuation { continuation in
            ended.notify(queue: .global()) { continuation.resume() }
        }
    }

    /// A room's home never changes, and neighbours do not crowd on one loop.
    @Test(arguments: [1, 2, 3, 8])
    func keysAreSpreadOverLoops(count: Int) async throws {
        try await withEventLoopGroup(count: count) { group in
            var shares = [Int](repeating: 0, count: count)
            for key in Int64(-500)..<500 {
                let home = group.home(of: key)
                #expect(home === group.home(of: key) && home === group.loops[home.index])
                shares[home.index] += 1
            }
            let mean = 1_000 / count
            #expect(shares.allSatisfy { abs($0 - mean) <= mean / 4 })
        }
    }
}
