import Testing
import TimingleCQL
import TimingleNet

struct CQLHeaderTests {
    private static func read(
        _ bytes: [UInt8],
        _ direction: CQLDirection = .response,
        bodyBytesMax: Int = CQLHeader.bodyBytesMax
    ) -> Result<CQLHeader, WireError> {
        var reader = ByteReader(bytes.span.bytes)
        do throws(WireError) {
            return .success(try CQLHeader(from: &reader, direction: direction, bodyBytesMax: bodyBytesMax))
        } catch {
            return .failure(error)
        }
    }

    @Test func knownBytesAreReadAndWritten() throws {
        let startup: [UInt8] = [0x04, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x16]
        let header = CQLHeader(stream: 1, opcode: .startup, bodyLength: 22)
        #expect(Self.read(startup, .request) == .success(header))
        var writer = ByteWriter()
        try header.write(to: &writer)
        #expect(writer.bytes == startup)
        let event: [UInt8] = [0x84, 0x08, 0xFF, 0xFF, 0x0C, 0x00, 0x00, 0x01, 0x00]
        let expected = CQLHeader(flags: .warning, stream: CQLHeader.eventStream, opcode: .event, bodyLength: 256)
        #expect(Self.read(event) == .success(expected))
    }

    @Test(arguments: CQLOpcode.allCases)
    func everyOpcodeGoesAroundInItsDirectionOnly(opcode: CQLOpcode) throws {
        let header = CQLHeader(flags: [.tracing, .warning], stream: 32_767, opcode: opcode, bodyLength: 5)
        var writer = ByteWriter()
        try header.write(to: &writer)
        #expect(Self.read(writer.bytes, opcode.direction) == .success(header))
        let other: CQLDirection = opcode.direction == .request ? .response : .request
        #expect(Self.read(writer.bytes, other) == .failure(.malformed("CQL version")))
    }

    @Test func everyPrefixIsTruncated() {
        let bytes: [UInt8] = [0x84, 0, 0, 1, 0x02, 0, 0, 0, 0]
        for count in 0..<bytes.count { #expect(Self.read(Array(bytes[..<count])) == .failure(.truncated)) }
    }

    @Test func badFieldsAreRefused() {
        #expect(Self.read([0x83, 0, 0, 1, 0x02, 0, 0, 0, 0]) == .failure(.malformed("CQL version")))
        #expect(Self.read([0x84, 0, 0, 1, 0x04, 0, 0, 0, 0]) == .failure(.malformed("CQL opcode")))
        #expect(Self.read([0x84, 0, 0, 1, 0x07, 0, 0, 0, 0]) == .failure(.malformed("CQL opcode")))
        #expect(Self.read([0x84, 0, 0, 1, 0x02, 0xFF, 0xFF, 0xFF, 0xFF]) == .failure(.malformed("CQL body length")))
    }

    @Test func theBodyLimitIsExact() throws {
        #expect(throws: Never.self) { try Self.read([0x84, 0, 0, 1, 0x02, 0, 0, 0, 9], bodyBytesMax: 9).get() }
        let over = Self.read([0x84, 0, 0, 1, 0x02, 0, 0, 0, 10], bodyBytesMax: 9)
        #expect(over == .failure(.limitExceeded("CQL body length")))
        var writer = ByteWriter()
        let header = CQLHeader(stream: 0, opcode: .query, bodyLength: CQLHeader.bodyBytesMax + 1)
        #expect(throws: WireError.limitExceeded("CQL body length")) { try header.write(to: &writer) }
    }
}
