import Testing
import TimingleTestSupport

@testable import TimingleCQL

struct StreamIDAllocatorTests {
    @Test func streamsAreTakenFromTheLowest() {
        var streams = StreamIDAllocator()
        #expect((0..<130).map { _ in streams.take() } == Array(0..<130 as Range<Int16>))
        streams.giveBack(7)
        streams.giveBack(64)
        #expect(streams.takenCount == 128)
        #expect([streams.take(), streams.take(), streams.take()] == [7, 64, 130])
    }

    @Test func allOfThemCanBeTaken() {
        var streams = StreamIDAllocator()
        for expected in 0..<32_768 { #expect(streams.take().map(Int.init) == expected) }
        #expect(streams.isFull)
        #expect(streams.take() == nil)
        streams.giveBack(32_767)
        #expect(streams.take() == 32_767)
    }

    @Test(arguments: [1, 63, 64, 65, 100])
    func theLimitIsExact(limit: Int) {
        var streams = StreamIDAllocator(limit: limit)
        #expect((0..<limit).map { _ in streams.take() }.allSatisfy { $0 != nil })
        #expect(streams.take() == nil)
        streams.giveBack(0)
        #expect(!streams.isFull)
        #expect(streams.take() == 0)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func nobodyHasAStreamTwice(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var streams = StreamIDAllocator(limit: 200)
        var taken: Set<Int16> = []
        for _ in 0..<2_000 {
            if Bool.random(using: &random) {
                let stream = streams.take()
                let lowest = (0..<200 as Range<Int16>).first { !taken.contains($0) }
                #expect(stream == lowest)
                if let stream { taken.insert(stream) }
            } else if let stream = taken.randomElement(using: &random) {
                taken.remove(stream)
                streams.giveBack(stream)
            }
            #expect(streams.takenCount == taken.count)
        }
    }
}
