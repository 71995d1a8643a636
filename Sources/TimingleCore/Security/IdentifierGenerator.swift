internal import Synchronization

/// Makes version 7 UUIDs (RFC 9562) that grow within one process, also when the clock stands still or steps back.
///
/// Any thread (Mutex).
package final class IdentifierGenerator: Sendable {
    private let clock: any WallClock
    private let last = Mutex(Identifier128(high: 0, low: 0))

    package init(clock: any WallClock) { self.clock = clock }

    package func next() -> Identifier128 {
        let fresh = Identifier128.version7(
            milliseconds: max(self.clock.now().milliseconds, 0),
            random: (SecureRandom.word(), SecureRandom.word())
        )
        return self.last.withLock { last in
            last = fresh > last ? fresh : Self.successor(of: last)
            return last
        }
    }

    /// The next identifier of the same shape: adds a small random step to the 74 random bits as one number.
    ///
    /// RFC 9562 section 6.2, method 2. An overflow runs on into the milliseconds, which stay in order.
    private static func successor(of value: Identifier128) -> Identifier128 {
        let lowBits: UInt64 = 0x3fff_ffff_ffff_ffff
        let low = (value.low & lowBits) &+ (1 &+ (SecureRandom.word() & 0xffff_ffff))
        guard low > lowBits else { return Identifier128(high: value.high, low: low | 0x8000_0000_0000_0000) }
        let counter = (value.high & 0x0fff) &+ 1
        let time = (value.high >> 16) &+ (counter >> 12)
        return Identifier128(
            high: time << 16 | 0x7000 | counter & 0x0fff,
            low: low & lowBits | 0x8000_0000_0000_0000
        )
    }
}
