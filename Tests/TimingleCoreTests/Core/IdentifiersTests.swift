import Testing
import TimingleCore
import TimingleTestSupport

struct IdentifiersTests {
    @Test(arguments: [
        "0", "-1", "+5", "01x", "", "9223372036854775808", "99999999999999999999", "１", "1 ", " 1", "1.0",
    ])
    func integerIdentifiersRefuseWhatIsNotAPositiveNumber(text: String) {
        #expect(EventID(text: text) == nil)
    }

    @Test func integerIdentifiersReachTheGreatestNumber() {
        #expect(EventID(text: "9223372036854775807")?.rawValue == .max)
        #expect(EventID(text: "1")?.rawValue == 1)
    }

    @Test func aUUIDRoundTripsThroughItsText() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            let value = Identifier128(high: random.next(), low: random.next())
            #expect(Identifier128(value.description) == value)
            #expect(Identifier128(value.description.uppercased()) == value)
        }
    }

    /// The example of RFC 9562 appendix A.6.
    @Test func version7IsLaidOutAsInTheRFC() {
        let value = Identifier128.version7(milliseconds: 0x017F_22E2_79B0, random: (0xCC3, 0x18C4_DC0C_0C07_398F))
        #expect(value.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    }

    @Test(arguments: [
        "", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e279b0-7cc3-98c4-dc0c0c07398f-", "g17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e2_79b0-7cc3-98c4-dc0c0c07398f",
    ])
    func aUUIDRefusesOtherText(text: String) {
        #expect(MessageID(text: text) == nil)
    }
}
