import Testing
import TimingleTestSupport

@testable import TimingleNet

struct OutboxTests {
    /// Takes what each call is allowed to, as a kernel with little room would.
    private final class Kernel: SocketIO {
        var taken: [UInt8] = []
        var room: [Int] = []
        var chunkCounts: [Int] = []

        var failure: SystemError?

        func open(on loop: EventLoop, interest: Interest, handler: any ReadinessHandler) {}
        func setInterest(_ interest: Interest) {}
        func read(into buffer: UnsafeMutableRawBufferPointer) -> IOResult { .wouldBlock }
        func shutdownWrite() {}
        func close(reset: Bool) {}

        func write(_ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>) throws(SystemError) -> IOResult {
            if let failure = self.failure { throw failure }
            self.chunkCounts.append(chunks.count)
            let room = self.room.isEmpty ? Int.max : self.room.removeFirst()
            guard room > 0 else { return .wouldBlock }
            let all = chunks.flatMap { Array($0) }
            self.taken += all.prefix(room)
            return .processed(min(room, all.count))
        }
    }

    @Test func chunksLeaveInOrderGathered() throws {
        var outbox = Outbox()
        let kernel = Kernel()
        for number in 0..<200 { outbox.append([UInt8(number), UInt8(number)]) }
        #expect(outbox.queuedBytes == 400)
        let drained = try outbox.flush(to: kernel)
        #expect(drained && outbox.isEmpty)
        #expect(kernel.taken == (0..<200).flatMap { [UInt8($0), UInt8($0)] })
        #expect(kernel.chunkCounts == [64, 64, 64, 8])
    }

    @Test func aPartialWriteGoesOnInsideTheChunk() throws {
        var outbox = Outbox()
        let kernel = Kernel()
        kernel.room = [3, 0]
        outbox.append([1, 2])
        outbox.append([3, 4, 5])
        let first = try outbox.flush(to: kernel)
        #expect(!first && outbox.queuedBytes == 2)
        let second = try outbox.flush(to: kernel)
        #expect(second)
        #expect(kernel.taken == [1, 2, 3, 4, 5])
    }

    @Test func roomIsCountedInBytesAndAnEmptyOutboxTakesAnyChunk() {
        var outbox = Outbox()
        #expect(outbox.hasRoom(for: 1_000, limit: 10) == true)
        outbox.append([1, 2, 3, 4])
        #expect(outbox.hasRoom(for: 6, limit: 10) == true)
        #expect(outbox.hasRoom(for: 7, limit: 10) == false)
        #expect(outbox.hasRoom(for: .max, limit: 10) == false)
    }

    @Test func aFloodOfTinyChunksIsBoundedByTheirNumber() {
        // A peer that pings and does not read: each pong is two bytes on the wire and far more in memory.
        var outbox = Outbox()
        var count = 0
        while outbox.hasRoom(for: 2, limit: 1024 * 1024) {
            outbox.append([0x8a, 0])
            count += 1
        }
        #expect(count == 16 * 1024)
    }

    @Test func aFailureIsHandedOnAndNothingIsLostBefore() {
        var outbox = Outbox()
        let kernel = Kernel()
        kernel.failure = SystemError(operation: "sendmsg", code: 32)
        outbox.append([1])
        #expect(throws: SystemError(operation: "sendmsg", code: 32)) {
            _ = try outbox.flush(to: kernel)
        }
        #expect(outbox.queuedBytes == 1)
        outbox.removeAll()
        #expect(outbox.isEmpty == true)
    }

    @Test func aBurstOfSmallChunksBecomesOne() throws {
        var outbox = Outbox()
        let kernel = Kernel()
        for number in 0..<64 { outbox.coalesce(Array(repeating: UInt8(number), count: 200)) }
        let took = outbox.extendFront { $0.append(99) }
        #expect(took)
        let drained = try outbox.flush(to: kernel)
        #expect(drained && kernel.chunkCounts == [1])
        #expect(kernel.taken == (0..<64).flatMap { Array(repeating: UInt8($0), count: 200) } + [99])
    }

    @Test func coalescingDoesNotTouchAChunkThatOthersHold() {
        var outbox = Outbox()
        let shared: [UInt8] = [1, 2, 3]
        outbox.append(shared)
        outbox.coalesce([4])
        #expect(shared == [1, 2, 3])
        #expect(outbox.queuedBytes == 4)
    }

    @Test func nothingIsWrittenIntoAChunkThatHasBegunToLeave() throws {
        var outbox = Outbox()
        let kernel = Kernel()
        kernel.room = [1, 0]
        outbox.append([1, 2])
        let drained = try outbox.flush(to: kernel)
        let took = outbox.extendFront { $0.append(3) }
        #expect(!drained && !took)
        outbox.coalesce([3])
        let rest = try outbox.flush(to: kernel)
        #expect(rest && kernel.taken == [1, 2, 3])
    }

    @Test func aFileKeepsItsPlaceBetweenBytes() throws {
        try TemporaryFile.with(contents: Array("0123456789".utf8)) { path in
            var outbox = Outbox()
            let kernel = Kernel()
            kernel.room = [2, 1, 0]
            let file = try RegularFile(path: path)
            outbox.append([1, 2])
            outbox.append(FileRegion(file, offset: 3, count: 4))
            outbox.append([3])
            outbox.append(FileRegion(file, offset: 0, count: 0))
            outbox.coalesce([4])
            #expect(outbox.queuedBytes == 4)
            let drained = try outbox.flush(to: kernel)
            #expect(!drained && outbox.sentBytes == 3)
            let rest = try outbox.flush(to: kernel)
            #expect(rest && outbox.isEmpty && outbox.sentBytes == 8)
            #expect(kernel.taken == [1, 2] + Array("3456".utf8) + [3, 4])
        }
    }

    @Test func aFileThatHasBecomeTooShortIsAFailure() throws {
        try TemporaryFile.with(contents: [1, 2, 3]) { path in
            var outbox = Outbox()
            let kernel = Kernel()
            outbox.append(FileRegion(try RegularFile(path: path), offset: 0, count: 5))
            #expect(throws: SystemError.fileTruncated) { _ = try outbox.flush(to: kernel) }
            #expect(kernel.taken == [1, 2, 3])
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5])
    func randomSequencesMatchTheNaiveModel(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var outbox = Outbox()
        let kernel = Kernel()
        var model: [UInt8] = []
        var expected: [UInt8] = []
        for _ in 0..<2_000 {
            if Bool.random(using: &generator) {
                let count = Int.random(in: 0...50, using: &generator)
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: outbox.append(bytes)
                case 1: outbox.coalesce(bytes)
                default: if !outbox.extendFront({ $0 += bytes }) { outbox.append(bytes) }
                }
                model += bytes
            } else {
                let room = Int.random(in: 0...200, using: &generator)
                kernel.room = [room, 0]
                let drained = try outbox.flush(to: kernel)
                let taken = kernel.taken.count - expected.count
                expected += model.prefix(taken)
                model.removeFirst(taken)
                #expect(drained == model.isEmpty)
            }
            #expect(outbox.queuedBytes == model.count)
        }
        #expect(kernel.taken == expected)
    }
}
