import Dispatch
import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct FileReaderTests {
    @Test func aFewRunAtOnceAndOthersWait() async {
        let reader = FileReader(threadsMax: 2, waitingMax: 3)
        let gate = DispatchSemaphore(value: 0)
        let running = Mutex((now: 0, most: 0))
        let done = DispatchGroup()
        var taken = 0
        for _ in 0..<8 {
            done.enter()
            let isTaken = reader.submit {
                running.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                gate.wait()
                running.withLock { $0.now -= 1 }
                done.leave()
            }
            if isTaken { taken += 1 } else { done.leave() }
        }
        // Two run, three wait, three were refused.
        #expect(taken == 5)
        for _ in 0..<taken { gate.signal() }
        await withCheckedContinuation { continuation in done.notify(queue: .global()) { continuation.resume() } }
        #expect(running.withLock { $0.most } <= 2)
        #expect(running.withLock { $0.now } == 0)
    }

    @Test func everyJobRunsOnce() async {
        let reader = FileReader()
        let sum = await withTaskGroup(of: Int?.self) { group in
            for number in 0..<1_000 { group.addTask { await reader.run { number } } }
            return await group.reduce(0) { $0 + ($1 ?? 0) }
        }
        #expect(sum == 499_500)
    }

    @Test func tooManyAreRefused() async throws {
        let reader = FileReader(threadsMax: 1, waitingMax: 0)
        let gate = DispatchSemaphore(value: 0)
        #expect(reader.submit { gate.wait() })
        #expect(await reader.run { 1 } == nil)
        gate.signal()
        try await waitUntil { await reader.run { 1 } != nil }
    }
}
