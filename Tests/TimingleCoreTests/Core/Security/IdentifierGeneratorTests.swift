import Testing
import TimingleTestSupport

@testable import TimingleCore

struct IdentifierGeneratorTests {
    @Test func identifiersGrowWhileTheClockStandsStillOrStepsBack() {
        let clock = ManualWallClock()
        let generator = IdentifierGenerator(clock: clock)
        var last = generator.next()
        for round in 0..<20_000 {
            if round % 1_000 == 0 { clock.advance(by: .milliseconds(round % 2_000 == 0 ? -5 : 1)) }
            let next = generator.next()
            #expect(next > last)
            #expect(next.high >> 12 & 0xf == 7)
            #expect(next.low >> 62 == 2)
            last = next
        }
    }

    @Test func theTimeStandsInFront() {
        let clock = ManualWallClock(Timestamp(milliseconds: 1_768_471_200_123))
        #expect(IdentifierGenerator(clock: clock).next().high >> 16 == 1_768_471_200_123)
    }
}
