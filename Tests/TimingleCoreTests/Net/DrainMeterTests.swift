import Testing
import TimingleTestSupport

@testable import TimingleNet

struct DrainMeterTests {
    private let start = MonotonicInstant.now

    private func limits(rate: Int, deadline: Duration = .seconds(10)) -> StreamLimits {
        var limits = StreamLimits()
        limits.writeDeadline = deadline
        limits.writeBytesPerSecondMin = rate
        return limits
    }

    /// Looks whenever the meter wants to, with `taken(second)` bytes handed over each second; when it gave up, if ever.
    private func givesUp(
        rate: Int,
        within most: Duration = .seconds(300),
        taken: (Int) -> Int
    ) -> Duration? {
        let limits = self.limits(rate: rate)
        var meter = DrainMeter(stalledAt: self.start, writeDeadline: limits.writeDeadline)
        var next = meter.firstLook(writeDeadline: limits.writeDeadline)
        var second = 0
        while next < self.start + most {
            while self.start + .seconds(second + 1) <= next {
                second += 1
                meter.handedOver(taken(second), now: self.start + .seconds(second))
            }
            switch meter.look(now: next, unacknowledged: nil, limits: limits) {
            case .tooSlow: return self.start.duration(to: next)
            case .lookAgain(let at):
                #expect(at > next && at <= next + .seconds(5))
                next = at
            }
        }
        return nil
    }

    @Test(arguments: [0, 1, 1_000])
    func whoTakesNothingIsGivenUpAtTheDeadline(rate: Int) {
        #expect(self.givesUp(rate: rate) { _ in 0 } == .seconds(10))
        // The last progress counts, wherever it lies between two looks.
        #expect(self.givesUp(rate: 0) { $0 == 3 ? 1 : 0 } == .seconds(13))
        #expect(self.givesUp(rate: 1) { $0 == 4 ? 1_000 : 0 } == .seconds(14))
    }

    @Test func aByteASecondIsEnoughOnlyWhereNoRateIsAsked() throws {
        #expect(self.givesUp(rate: 0) { _ in 1 } == nil)
        let end = try #require(self.givesUp(rate: 1_000) { _ in 1 })
        #expect(end < .seconds(11))
    }

    @Test(arguments: [(1_000, true), (1_100, true), (900, false), (500, false)])
    func theMeanRateDecides(bytesPerSecond: Int, isEnough: Bool) {
        #expect((self.givesUp(rate: 1_000) { _ in bytesPerSecond } == nil) == isEnough)
        // Also where they come in bursts that are shorter than the deadline apart.
        let bursts = self.givesUp(rate: 1_000) { $0 % 4 == 0 ? 4 * bytesPerSecond : 0 }
        #expect((bursts == nil) == isEnough)
    }

    @Test func beingFastFirstBuysNoLongStall() throws {
        let end = try #require(self.givesUp(rate: 1_000) { $0 <= 20 ? 1_000_000 : 1 })
        #expect(end <= .seconds(32))
    }

    @Test func whatTheKernelBringsAcrossIsProgress() {
        let limits = self.limits(rate: 1_000)
        var meter = DrainMeter(stalledAt: self.start, writeDeadline: limits.writeDeadline)
        var now = meter.firstLook(writeDeadline: limits.writeDeadline)
        var held = 1_000_000
        for _ in 0..<20 {
            guard case .lookAgain(let next) = meter.look(now: now, unacknowledged: held, limits: limits) else {
                Issue.record("given up although 2,000 bytes a second arrive")
                return
            }
            held -= Int(Double(now.duration(to: next) / .seconds(1)) * 2_000)
            now = next
        }
        // From here on nothing more arrives.
        let silentSince = now
        while case .lookAgain(let next) = meter.look(now: now, unacknowledged: held, limits: limits) { now = next }
        #expect(silentSince.duration(to: now) <= .seconds(10))
    }

    @Test func whoStaysWasNeverBelowTheRateForLongerThanTheDeadline() {
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<500 {
            let rate = Int.random(in: 1...2_000, using: &generator)
            let limits = self.limits(rate: rate)
            var meter = DrainMeter(stalledAt: self.start, writeDeadline: limits.writeDeadline)
            var now = self.start
            var total = 0
            for _ in 0..<50 {
                now += .milliseconds(Int.random(in: 1...5_000, using: &generator))
                let taken = Int.random(in: 0...(4 * rate), using: &generator)
                total += taken
                meter.handedOver(taken, now: now)
                guard case .lookAgain = meter.look(now: now, unacknowledged: nil, limits: limits) else { break }
                let elapsed = self.start.duration(to: now) / .seconds(1)
                #expect(Double(total) > Double(rate) * (elapsed - 10) - 1)
            }
        }
    }
}
