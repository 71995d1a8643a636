import Testing

@testable import TimingleNet

struct MonotonicInstantTests {
    private let noon = MonotonicInstant(nanoseconds: 43_200_000_000_000)

    @Test func addsAndSubtractsDurations() {
        #expect(self.noon + .milliseconds(1) == MonotonicInstant(nanoseconds: 43_200_001_000_000))
        #expect(self.noon - .nanoseconds(1) == MonotonicInstant(nanoseconds: 43_199_999_999_999))
        #expect(self.noon + .seconds(-1) == self.noon - .seconds(1))
        #expect((self.noon + .seconds(90)) - self.noon == .seconds(90))
        #expect(self.noon.duration(to: self.noon - .seconds(2)) == .seconds(-2))
    }

    @Test func staysInRangeWhereTheSumWouldNot() {
        let last = MonotonicInstant(nanoseconds: .max)
        let first = MonotonicInstant(nanoseconds: .min)
        #expect(self.noon + .seconds(Int64.max) == last)
        #expect(self.noon - .seconds(Int64.max) < self.noon)
        #expect(last + .nanoseconds(1) == last)
        #expect(first - .nanoseconds(1) == first)
        #expect(first.duration(to: last) == .nanoseconds(Int64.max))
        #expect(last.duration(to: first) == .nanoseconds(Int64.min))
    }

    @Test func goesForward() {
        let before = MonotonicInstant.now
        let after = MonotonicInstant.now
        #expect(before <= after)
        #expect(after - before < .seconds(60))
    }

    @Test(arguments: [0, 1, -1, .max, .min] as [Int64])
    func nanosecondsAreAddedLikeADuration(nanoseconds: Int64) {
        for start: Int64 in [0, 5, .max - 1, .min + 1] {
            let instant = MonotonicInstant(nanoseconds: start)
            #expect(instant.later(byNanoseconds: nanoseconds) == instant + .nanoseconds(nanoseconds))
        }
    }
}
