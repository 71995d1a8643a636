import Testing
import TimingleTestSupport

@testable import TimingleNet

struct TLSContentReaderTests {
    /// Cuts `chunks`, and returns the records' contents.
    private func cut(_ chunks: [[UInt8]], skipping: Int = 0, limit: Int, area: Int = 64) -> [[UInt8]] {
        let storage = chunks.map { chunk in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk.count, alignment: 1)
            copy.copyBytes(from: chunk)
            return copy
        }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: area, alignment: 1)
        defer {
            for chunk in storage { chunk.deallocate() }
            scratch.deallocate()
        }
        let vectors = storage.map { UnsafeRawBufferPointer($0) }
        return vectors.withUnsafeBufferPointer { vectors in
            var reader = TLSContentReader(vectors, skipping: skipping, gathering: scratch)
            var records: [[UInt8]] = []
            while let content = reader.next(atMost: limit) { records.append(Array(content)) }
            let taken = reader.takenBytes
            #expect(taken == records.reduce(0) { $0 + $1.count })
            return records
        }
    }

    @Test func smallChunksBecomeOneRecord() {
        #expect(self.cut([[1], [2, 3], [4]], limit: 16) == [[1, 2, 3, 4]])
    }

    @Test func largeChunksAreCutAtTheLimit() {
        #expect(self.cut([[1, 2, 3, 4, 5], [6]], limit: 2) == [[1, 2], [3, 4], [5, 6]])
    }

    @Test func whatWasTakenBeforeIsSkipped() {
        let chunks: [[UInt8]] = [[1, 2], [3], [4, 5]]
        #expect(self.cut(chunks, skipping: 3, limit: 16) == [[4, 5]])
        #expect(self.cut(chunks, skipping: 1, limit: 16) == [[2, 3, 4, 5]])
        #expect(self.cut(chunks, skipping: 5, limit: 16) == [])
    }

    @Test func nothingIsLostWhateverTheCuts() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            let chunks = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                (0..<Int.random(in: 1...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            let all = chunks.flatMap { $0 }
            let skip = Int.random(in: 0...all.count, using: &random)
            let limit = Int.random(in: 1...64, using: &random)
            let records = self.cut(chunks, skipping: skip, limit: limit)
            #expect(records.flatMap { $0 } == Array(all[skip...]))
            #expect(records.allSatisfy { $0.count <= limit && !$0.isEmpty })
        }
    }
}
