import Testing
import TimingleNet

@testable import TimingleCore

struct StoreRestTests {
    private func outcome(
        _ rest: StoreRest,
        now: MonotonicInstant = .now,
        _ error: StoreError?
    ) async -> (wasAsked: Bool, error: StoreError?) {
        var wasAsked = false
        do throws(StoreError) {
            try await rest.unlessResting(now: now) { () throws(StoreError) in
                wasAsked = true
                if let error { throw error }
            }
            return (wasAsked, nil)
        } catch {
            return (wasAsked, error)
        }
    }

    @Test func aStoreThatDidNotAnswerIsNotAskedForAWhile() async {
        let rest = StoreRest(.seconds(60))
        let fine = await self.outcome(rest, nil)
        #expect(fine.wasAsked && fine.error == nil)
        let refused = await self.outcome(rest, .rejected("no"))
        #expect(refused.wasAsked && refused.error == .rejected("no"))
        let away = await self.outcome(rest, .unavailable("away"))
        #expect(away.wasAsked && away.error == .unavailable("away"))
        let resting = await self.outcome(rest, nil)
        #expect(!resting.wasAsked && resting.error != nil)
        let later = await self.outcome(rest, now: .now + .seconds(61), nil)
        #expect(later.wasAsked && later.error == nil)
    }
}
