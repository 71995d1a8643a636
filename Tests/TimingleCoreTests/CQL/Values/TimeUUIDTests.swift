import Testing
import TimingleCQL

struct TimeUUIDTests {
    @Test func textGoesAround() throws {
        let text = "123e4567-e89b-42d3-a456-426614174000"
        let uuid = try #require(CQLUUID(text))
        #expect(uuid.description == text)
        #expect(uuid.version == 4)
        #expect(CQLUUID(text.uppercased()) == uuid)
        #expect(CQLUUID(high: 0, low: 1).description == "00000000-0000-0000-0000-000000000001")
    }

    @Test(arguments: [
        "", "123e4567", "123e4567-e89b-42d3-a456-42661417400", "123e4567-e89b-42d3-a456-4266141740000",
        "123e4567-e89b-42d3-a456-42661417400g", "123e4567e89b42d3a456426614174000",
        "123e4567-e89b-42d3-a456+426614174000",
        "１23e4567-e89b-42d3-a456-426614174000",
    ])
    func otherTextIsNone(text: String) {
        #expect(CQLUUID(text) == nil)
    }

    /// RFC 9562 appendix A.1.
    @Test func timesAreThoseOfTheSpecification() throws {
        let uuid = try #require(CQLUUID("C232AB00-9414-11EC-B3C8-9F6BDECED846"))
        let sample = try #require(TimeUUID(uuid))
        #expect(sample.unixMilliseconds == 1_645_557_742_000)
        #expect(sample.clockSequence == 0x33C8)
        #expect(sample.node == 0x9F6B_DECE_D846)
        let made = TimeUUID(unixTicks: 16_455_577_420_000_000, clockSequence: 0x33C8, node: 0x9F6B_DECE_D846)
        #expect(made == sample)
    }

    @Test func onlyVersionOneHasATime() {
        #expect(TimeUUID(CQLUUID(high: 0x4000, low: 0)) == nil)
        #expect(TimeUUID(unixTicks: .max, clockSequence: 0, node: 0) == nil)
        #expect(TimeUUID(unixTicks: .min, clockSequence: 0, node: 0) == nil)
        let first = TimeUUID(unixTicks: -0x01B2_1DD2_1381_4000, clockSequence: 0, node: 0)
        #expect(first?.uuid == CQLUUID(high: 0x1000, low: 0x8000 << 48))
        #expect(TimeUUID(unixTicks: -0x01B2_1DD2_1381_4001, clockSequence: 0, node: 0) == nil)
        #expect(TimeUUID(unixTicks: -1, clockSequence: 0, node: 0)?.unixMilliseconds == -1)
    }

    @Test func timeComesFirstInTheOrder() throws {
        func uuid(_ ticks: Int64, _ node: UInt64) throws -> TimeUUID {
            try #require(TimeUUID(unixTicks: ticks, clockSequence: 0, node: node))
        }
        // The low bits of a time stand first in the bytes: as bytes the second one would be less.
        #expect(try uuid(0xFFFF_FFFF, 0) < uuid(0x1_0000_0000, 0))
        #expect(try uuid(1, 0) < uuid(2, 0))
        // Signed bytes, as Cassandra compares them: 0x80 is less than 0x7F.
        #expect(try uuid(1, 0x80_00) < uuid(1, 0x7F_00))
        #expect(try uuid(1, 1) < uuid(1, 2))
    }
}
