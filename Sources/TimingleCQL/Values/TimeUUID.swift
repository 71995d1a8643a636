/// A version 1 UUID: a time in steps of 100 nanoseconds, a clock sequence and a node (RFC 9562 section 5.1).
///
/// A value. Ordered as a clustering column of type `timeuuid` is: by time, then by the rest as signed bytes.
package struct TimeUUID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let uuid: CQLUUID

    /// Steps of 100 nanoseconds between 15 October 1582 and 1970.
    private static let unixEpochTicks: UInt64 = 0x01B2_1DD2_1381_4000
    private static let ticksMax: UInt64 = (1 << 60) - 1

    /// Nil for a UUID of another version.
    package init?(_ uuid: CQLUUID) {
        guard uuid.version == 1 else { return nil }
        self.uuid = uuid
    }

    /// Of a time in steps of 100 nanoseconds since 1970; nil before 1582 and after 5236.
    ///
    /// The node's multicast bit is the caller's to set where the node is no hardware address.
    package init?(unixTicks: Int64, clockSequence: UInt16, node: UInt64) {
        let (ticks, overflow) = Int64(Self.unixEpochTicks).addingReportingOverflow(unixTicks)
        guard !overflow, ticks >= 0, UInt64(ticks) <= Self.ticksMax else { return nil }
        let time = UInt64(ticks)
        let high = (time & 0xFFFF_FFFF) << 32 | (time >> 32 & 0xFFFF) << 16 | 0x1000 | time >> 48
        let low = UInt64(0x8000 | clockSequence & 0x3FFF) << 48 | node & 0xFFFF_FFFF_FFFF
        self.uuid = CQLUUID(high: high, low: low)
    }

    /// Steps of 100 nanoseconds since 1970.
    package var unixTicks: Int64 { Int64(self.ticks) - Int64(Self.unixEpochTicks) }
    /// Rounded down.
    package var unixMilliseconds: Int64 {
        let (quotient, rest) = self.unixTicks.quotientAndRemainder(dividingBy: 10_000)
        return rest < 0 ? quotient - 1 : quotient
    }
    package var clockSequence: UInt16 { UInt16(truncatingIfNeeded: self.uuid.low >> 48) & 0x3FFF }
    package var node: UInt64 { self.uuid.low & 0xFFFF_FFFF_FFFF }
    package var description: String { self.uuid.description }

    private var ticks: UInt64 {
        let high = self.uuid.high
        return (high & 0xFFF) << 48 | (high >> 16 & 0xFFFF) << 32 | high >> 32
    }

    package static func < (left: TimeUUID, right: TimeUUID) -> Bool {
        guard left.ticks == right.ticks else { return left.ticks < right.ticks }
        // Signed bytes in order are unsigned ones with each highest bit turned.
        let signs: UInt64 = 0x8080_8080_8080_8080
        return left.uuid.low ^ signs < right.uuid.low ^ signs
    }
}
