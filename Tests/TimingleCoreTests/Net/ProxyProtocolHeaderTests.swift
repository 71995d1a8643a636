import Testing
import TimingleTestSupport

@testable import TimingleNet

struct ProxyProtocolHeaderTests {
    private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    private static let limit = 4_096

    static func header(command: UInt8 = 0x21, _ family: UInt8, _ content: [UInt8]) -> [UInt8] {
        Self.signature + [command, family, UInt8(content.count >> 8), UInt8(content.count & 0xff)] + content
    }

    /// 192.0.2.7:56324 to 203.0.113.1:443.
    static let ipv4Addresses: [UInt8] = [192, 0, 2, 7, 203, 0, 113, 1, 0xdc, 0x04, 0x01, 0xbb]
    static let ipv4 = header(0x11, ipv4Addresses)
    static let ipv6 = header(
        0x21,
        [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
            + [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + [0x30, 0x39, 0x01, 0xbb]
    )

    private func parse(
        _ bytes: [UInt8],
        limit: Int = Self.limit
    ) throws(ProxyProtocolError) -> ProxyProtocolHeader.ParseResult {
        try ProxyProtocolHeader.parse(bytes.span, contentBytesMax: limit)
    }

    private func refusal(_ bytes: [UInt8], limit: Int = Self.limit) -> ProxyProtocolError? {
        do throws(ProxyProtocolError) {
            _ = try self.parse(bytes, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test func addressesAreRead() throws {
        let four = ProxyProtocolHeader(
            source: SocketAddress(parsing: "192.0.2.7", port: 56_324),
            destination: SocketAddress(parsing: "203.0.113.1", port: 443)
        )
        #expect(try self.parse(Self.ipv4) == .header(four, byteCount: 28))
        let six = ProxyProtocolHeader(
            source: SocketAddress(parsing: "2001:db8::7", port: 12_345),
            destination: SocketAddress(parsing: "2001:db8::1", port: 443)
        )
        #expect(try self.parse(Self.ipv6 + Array("GET".utf8)) == .header(six, byteCount: 52))
    }

    @Test(arguments: [
        header(command: 0x20, 0x00, []), header(command: 0x20, 0x11, ipv4Addresses),
        header(command: 0x20, 0xff, [1, 2, 3]),
        header(0x00, []), header(0x00, [9, 9]), header(0x31, [UInt8](repeating: 1, count: 216)),
    ])
    func aProxyThatSpeaksForItselfOrCannotTellNamesNobody(bytes: [UInt8]) throws {
        #expect(try self.parse(bytes) == .header(ProxyProtocolHeader(), byteCount: bytes.count))
    }

    @Test(arguments: [ipv4, ipv6, header(command: 0x20, 0x00, []), header(0x11, ipv4Addresses + [0x04, 0, 2, 9, 9])])
    func everyPrefixAsksForNoMoreThanTheHeaderHas(bytes: [UInt8]) throws {
        for count in 0..<bytes.count {
            let total = count < 16 ? 16 : bytes.count
            #expect(try self.parse(Array(bytes[..<count])) == .needMoreBytes(total: total))
        }
        for more in 0..<3 {
            guard case .header(_, bytes.count) = try self.parse(bytes + [UInt8](repeating: 1, count: more)) else {
                Issue.record("not read with \(more) bytes behind it")
                return
            }
        }
    }

    @Test func aWrongByteIsRefusedAsSoonAsItIsThere() {
        for index in Self.signature.indices {
            var bytes = Array(Self.signature[...index])
            bytes[index] ^= 0x80
            #expect(self.refusal(bytes) == .notAHeader)
        }
        #expect(self.refusal(Array("GET / HTTP/1.1".utf8)) == .notAHeader)
        #expect(self.refusal([22, 3, 1]) == .notAHeader)
        #expect(self.refusal(Array("PROXY TCP4 192.0.2.7".utf8)) == .version1)
        #expect(self.refusal(Array("P".utf8)) == .version1)
        #expect(self.refusal(Self.signature + [0x11]) == .unknownVersion)
        #expect(self.refusal(Self.signature + [0x31]) == .unknownVersion)
        #expect(self.refusal(Self.signature + [0x22]) == .unknownCommand)
    }

    @Test(arguments: [0x01, 0x02, 0x10, 0x12, 0x13, 0x20, 0x22, 0x30, 0x32, 0x41, 0xff] as [UInt8])
    func whatIsNoStreamOfAKnownFamilyIsRefused(family: UInt8) {
        #expect(self.refusal(Self.header(family, [UInt8](repeating: 0, count: 216))) == .unknownFamily)
    }

    @Test func lengthsAreBoundedBeforeTheBytesCome() throws {
        let prefix = Self.signature + [0x21, 0x11, 0x10, 0x00]
        #expect(try self.parse(prefix) == .needMoreBytes(total: 16 + 4_096))
        #expect(self.refusal(prefix, limit: 4_095) == .tooLong)
        #expect(self.refusal(Self.signature + [0x21, 0x11, 0xff, 0xff]) == .tooLong)
        #expect(self.refusal(Self.signature + [0x21, 0x11, 0, 11]) == .tooShort)
        #expect(self.refusal(Self.signature + [0x21, 0x21, 0, 35]) == .tooShort)
        #expect(self.refusal(Self.signature + [0x21, 0x31, 0, 215]) == .tooShort)
    }

    @Test(
        arguments: [
            ([], true), ([4, 0, 0], true), ([4, 0, 1, 7], true), ([4, 0, 0, 1, 0, 1, 7], true), ([4], false),
            ([4, 0], false), ([4, 0, 1], false), ([4, 0, 2, 7], false), ([4, 0, 0, 1], false),
            ([4, 0xff, 0xff], false),
            ([3, 0, 3, 1, 2, 3], false),
        ] as [([UInt8], Bool)]
    )
    func tlvsAreSkippedAndMustFillTheHeader(tlvs: [UInt8], isGood: Bool) {
        let bytes = Self.header(0x11, Self.ipv4Addresses + tlvs)
        #expect(self.refusal(bytes) == (isGood ? nil : .badTLV))
    }

    @Test func aChecksumIsVerified() {
        // The check value of CRC-32C (RFC 3720, appendix B.4, and the catalogue of parametrised CRCs).
        #expect(ProxyProtocolHeader.checksum(Array("123456789".utf8).span, zeroed: 0..<0) == 0xe306_9283)
        #expect(ProxyProtocolHeader.checksum([UInt8](repeating: 0, count: 32).span, zeroed: 0..<0) == 0x8a91_36aa)
        var bytes = Self.header(0x11, Self.ipv4Addresses + [4, 0, 1, 9] + [3, 0, 4, 0, 0, 0, 0] + [1, 0, 1, 9])
        let sum = ProxyProtocolHeader.checksum(bytes.span, zeroed: 0..<0)
        for index in 0..<4 { bytes[35 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * index)) }
        #expect(self.refusal(bytes) == nil)
        for index in 16..<bytes.count where !(28..<35).contains(index) {
            var broken = bytes
            broken[index] ^= 1
            let refusal = self.refusal(broken)
            // A wrong length is found before a wrong sum.
            #expect(refusal == .badChecksum || refusal == .badTLV, "byte \(index)")
        }
        #expect(
            self.refusal(Self.header(0x11, Self.ipv4Addresses + [3, 0, 4, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0])) == .badTLV
        )
    }

    @Test func mutationsNeverReadBeyondTheBytes() throws {
        var generator = SeededGenerator(seed: 0x50524f58)
        let seeds = [Self.ipv4, Self.ipv6, Self.header(0x11, Self.ipv4Addresses + [3, 0, 4, 1, 2, 3, 4])]
        for _ in 0..<20_000 {
            var bytes = seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
            }
            bytes.removeLast(Int.random(in: 0...4, using: &generator))
            guard !bytes.isEmpty else { continue }
            let result = GuardedBytes.with(bytes) { bytes -> ProxyProtocolHeader.ParseResult? in
                let span = UnsafeBufferPointer(bytes.bindMemory(to: UInt8.self)).span
                return try? ProxyProtocolHeader.parse(span, contentBytesMax: Self.limit)
            }
            if case .header(_, let count)?? = result { #expect(count <= bytes.count) }
        }
    }
}
