import Dispatch
import Glibc
import Synchronization
import Testing

@testable import TimingleNet

struct LoopMailboxTests {
    @Test func onlyTheFirstLetterToALoopThatWaitsAsksForAWakeUp() {
        let mailbox = LoopMailbox()
        #expect(mailbox.mayWait())
        #expect(mailbox.append(.work {}))
        #expect(!mailbox.append(.work {}))
        mailbox.awoke()
        #expect(!mailbox.append(.work {}))
        #expect(!mailbox.mayWait(), "letters are there that nobody wakes it for")
        #expect(!mailbox.append(.work {}))
        var batch: [LoopMailbox.Letter] = []
        mailbox.swap(into: &batch)
        #expect(batch.count == 4)
        batch.removeAll(keepingCapacity: true)
        #expect(!mailbox.append(.work {}), "a loop that is busy looks by itself")
        mailbox.swap(into: &batch)
        #expect(mailbox.mayWait())
        #expect(mailbox.append(.work {}))
    }

    /// Four writers that let the loop fall asleep again and again: one wake-up that is missed would last for ever.
    @Test func noWakeUpIsMissed() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let count = Atomic<Int>(0)
            DispatchQueue.concurrentPerform(iterations: 4) { writer in
                for number in 0..<2_000 {
                    let before = count.load(ordering: .relaxed)
                    loop.execute { count.add(1, ordering: .relaxed) }
                    // Until a letter was read, which need not be this one: then the loop is about to wait.
                    guard number % 4 == writer else { continue }
                    let deadline = MonotonicInstant.now + .seconds(20)
                    while count.load(ordering: .relaxed) == before, MonotonicInstant.now < deadline { sched_yield() }
                }
            }
            let seen = try await loop.enter { count.load(ordering: .relaxed) }
            #expect(seen == 8_000)
        }
    }

    @Test func nothingIsLostAndEachWritersOrderIsKept() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let seen = LoopBound([[Int]](repeating: [], count: 4), on: loop)
            DispatchQueue.concurrentPerform(iterations: 4) { writer in
                for number in 0..<5_000 { loop.execute { seen.value[writer].append(number) } }
            }
            let result = try await loop.enter { seen.value }
            for writer in 0..<4 { #expect(result[writer] == Array(0..<5_000)) }
        }
    }
}
