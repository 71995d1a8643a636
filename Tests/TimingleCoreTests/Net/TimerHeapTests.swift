import Testing
import TimingleTestSupport

@testable import TimingleNet

struct TimerHeapTests {
    /// Schedules, cancels and expires at random, and compares with a sorted array.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func agreesWithASortedArray(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var heap = TimerHeap()
        var model: [(deadline: Int64, order: Int, token: TimerToken)] = []
        var fired: [Int] = []
        var now: Int64 = 0
        for order in 0..<4_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let deadline = now + Int64.random(in: -5...100, using: &random)
                let token = heap.schedule(at: deadline) { fired.append(order) }
                model.append((deadline, order, token))
            case 5..<7:
                guard let victim = model.indices.randomElement(using: &random) else { continue }
                let (_, _, token) = model.remove(at: victim)
                let first = heap.cancel(token)
                let second = heap.cancel(token)
                #expect(first && !second, "a token is good for one cancel")
            default:
                now += Int64.random(in: 0...30, using: &random)
                fired = []
                while let action = heap.popExpired(now: now) { action() }
                let expected = model.filter { $0.deadline <= now }
                    .sorted { ($0.deadline, $0.order) < ($1.deadline, $1.order) }
                #expect(fired == expected.map(\.order))
                model.removeAll { $0.deadline <= now }
            }
            #expect(heap.count == model.count)
            #expect(heap.nextDeadline == model.map(\.deadline).min())
        }
    }

    @Test func aTokenOfAFiredDeadlineCannotCancelItsSuccessor() throws {
        var heap = TimerHeap()
        let first = heap.schedule(at: 1) {}
        let popped = heap.popExpired(now: 1)
        let action = try #require(popped)
        action()
        let second = heap.schedule(at: 2) {}
        #expect(first != second)
        let cancelled = heap.cancel(first)
        #expect(!cancelled)
        #expect(heap.count == 1)
    }

    @Test func aHundredThousandDeadlinesComeOutInOrder() {
        var random = SeededGenerator(seed: 7)
        var heap = TimerHeap()
        var last = Int64.min
        var count = 0
        for _ in 0..<100_000 {
            let deadline = Int64.random(in: 0...1_000_000, using: &random)
            _ = heap.schedule(at: deadline) {
                #expect(deadline >= last)
                last = deadline
                count += 1
            }
        }
        while let action = heap.popExpired(now: 1_000_000) { action() }
        #expect(count == 100_000)
    }
}
