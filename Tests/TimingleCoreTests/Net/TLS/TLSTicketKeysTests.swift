import Testing

@testable import TimingleNet

struct TLSTicketKeysTests {
    private let start = MonotonicInstant(nanoseconds: 1_000)

    @Test func oneKeySealsForItsPeriodThenAnother() throws {
        let keys = TLSTicketKeys()
        let first = try #require(keys.sealing(now: self.start))
        #expect(first.name.count == 16 && first.encryption.count == 32 && first.authentication.count == 32)
        let late = self.start + TLSTicketKeys.sealingPeriod - .nanoseconds(1)
        #expect(keys.sealing(now: late)?.name == first.name)
        let second = try #require(keys.sealing(now: self.start + TLSTicketKeys.sealingPeriod))
        #expect(second.name != first.name && second.encryption != first.encryption)
    }

    @Test func theLastKeyOpensForAsLongAsATicketLasts() throws {
        let keys = TLSTicketKeys()
        let first = try #require(keys.sealing(now: self.start))
        guard case .current = keys.opening(name: first.name, now: self.start) else { return #expect(Bool(false)) }
        let turned = self.start + TLSTicketKeys.sealingPeriod
        guard case .previous(let same) = keys.opening(name: first.name, now: turned) else {
            return #expect(Bool(false))
        }
        #expect(same.encryption == first.encryption)
        let gone = turned + TLSTicketKeys.ticketLifetime
        guard case .unknown = keys.opening(name: first.name, now: gone) else { return #expect(Bool(false)) }
    }

    @Test func aKeyThatNobodyAskedForLongOpensNothing() throws {
        let keys = TLSTicketKeys()
        let first = try #require(keys.sealing(now: self.start))
        let weeks = self.start + .seconds(14 * 86_400)
        guard case .unknown = keys.opening(name: first.name, now: weeks) else { return #expect(Bool(false)) }
        guard case .unknown = keys.opening(name: [], now: weeks) else { return #expect(Bool(false)) }
    }
}
