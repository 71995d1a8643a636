import Dispatch
import Testing

@testable import TimingleNet

struct LoopMailboxTests {
    @Test func onlyTheFirstLetterOfABatchAsksForAWakeUp() {
        let mailbox = LoopMailbox()
        #expect(mailbox.append(.work {}))
        #expect(!mailbox.append(.work {}))
        var batch: [LoopMailbox.Letter] = []
        mailbox.swap(into: &batch)
        #expect(batch.count == 2)
        batch.removeAll(keepingCapacity: true)
        #expect(mailbox.append(.work {}))
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
