/// A place on the ring of a cluster.
///
/// A value.
package struct CQLToken: Comparable, Hashable, Sendable {
    package var value: Int64

    package init(_ value: Int64) { self.value = value }

    package static func < (left: CQLToken, right: CQLToken) -> Bool { left.value < right.value }
}

/// The hash by which Cassandra and ScyllaDB place a partition (`org.apache.cassandra.dht.Murmur3Partitioner`).
///
/// MurmurHash3 for 128 bits on 64-bit machines, of which the first half counts, with Cassandra's own twist: the bytes
/// behind the last whole block are taken as signed. Data lies by that, so it stays.
package enum Murmur3Partitioner {
    /// The name that `system.local` gives, with or without its package.
    static func isNamed(_ partitioner: String) -> Bool { partitioner.hasSuffix("Murmur3Partitioner") }

    package static func token(_ key: some RandomAccessCollection<UInt8>) -> CQLToken {
        let bytes = Array(key)
        return self.token(bytes.span.bytes)
    }

    package static func token(_ key: RawSpan) -> CQLToken {
        guard key.byteCount > 0 else { return CQLToken(.min) }
        let hash = Int64(bitPattern: self.hash(key))
        // The least token is no key's: it stands for the start of the ring.
        return CQLToken(hash == .min ? .max : hash)
    }

    private static let c1: UInt64 = 0x87c3_7b91_1142_53d5
    private static let c2: UInt64 = 0x4cf5_ad43_2745_937f

    private static func hash(_ key: RawSpan) -> UInt64 {
        var h1: UInt64 = 0
        var h2: UInt64 = 0
        let blocks = key.byteCount / 16
        for block in 0..<blocks {
            h1 ^= self.mix1(self.load(key, block * 16))
            h1 = (self.rotate(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
            h2 ^= self.mix2(self.load(key, block * 16 + 8))
            h2 = (self.rotate(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
        }
        var k1: UInt64 = 0
        var k2: UInt64 = 0
        let tail = blocks * 16
        for index in tail..<key.byteCount {
            let signed = UInt64(bitPattern: Int64(Int8(bitPattern: self.byte(key, index))))
            let place = index - tail
            if place < 8 { k1 ^= signed << UInt64(place * 8) } else { k2 ^= signed << UInt64((place - 8) * 8) }
        }
        h2 ^= self.mix2(k2)
        h1 ^= self.mix1(k1)
        let length = UInt64(key.byteCount)
        h1 ^= length
        h2 ^= length
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        return self.finalize(h1) &+ self.finalize(h2)
    }

    private static func mix1(_ block: UInt64) -> UInt64 { self.rotate(block &* self.c1, 31) &* self.c2 }

    private static func mix2(_ block: UInt64) -> UInt64 { self.rotate(block &* self.c2, 33) &* self.c1 }

    private static func finalize(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 33)) &* 0xff51_afd7_ed55_8ccd
        value = (value ^ (value >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return value ^ (value >> 33)
    }

    private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }

    private static func byte(_ key: RawSpan, _ offset: Int) -> UInt8 {
        // SAFETY: the span checks the bounds, and any bits are a byte.
        unsafe key.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    private static func load(_ key: RawSpan, _ offset: Int) -> UInt64 {
        // SAFETY: the span checks the bounds, and any bits are an integer.
        unsafe UInt64(littleEndian: key.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
