import Testing
import TimingleCQL
import TimingleNet

struct CQLFrameDecoderTests {
    private struct Frame: Equatable {
        let header: CQLHeader
        let body: [UInt8]
    }

    /// Decodes the pieces one after the other.
    private static func frames(_ pieces: [[UInt8]], bodyBytesMax: Int = 4096) throws(WireError) -> [Frame] {
        var decoder = CQLFrameDecoder(bodyBytesMax: bodyBytesMax)
        var frames: [Frame] = []
        for piece in pieces {
            try decoder.decode(piece.span.bytes) { header, body in
                frames.append(Frame(header: header, body: body.withUnsafeBytes { Array($0) }))
                return true
            }
        }
        return frames
    }

    private static func captured() throws -> [UInt8] {
        try CQLFixture.framesOfVersion4.flatMap { try CQLFixture.bytes($0) }
    }

    @Test func everySplitGivesTheSameFrames() throws {
        let bytes = try Self.captured()
        let whole = try Self.frames([bytes])
        #expect(whole.count == CQLFixture.framesOfVersion4.count)
        for cut in 0...bytes.count {
            let frames = try Self.frames([Array(bytes[..<cut]), Array(bytes[cut...])])
            guard frames == whole else {
                Issue.record("cut at \(cut)")
                return
            }
        }
    }

    @Test func singleBytesGiveTheSameFrames() throws {
        let bytes = try Self.captured()
        #expect(try Self.frames(bytes.map { [$0] }) == Self.frames([bytes]))
    }

    @Test func everyPrefixHoldsTheFramesThatAreWhole() throws {
        let bytes = try CQLFixture.bytes("ready") + CQLFixture.bytes("void") + CQLFixture.bytes("ready")
        let ends = [9, 22, 31]
        for count in 0...bytes.count {
            let frames = try Self.frames([Array(bytes[..<count])])
            #expect(frames.count == ends.count { $0 <= count })
        }
    }

    @Test func theLimitIsExactAndCountsBeforeTheBodyComes() throws {
        let body = [UInt8](repeating: 7, count: 100)
        let frame = CQLFixture.frame(.supported, body)
        #expect(try Self.frames([frame], bodyBytesMax: 100).map(\.body) == [body])
        let failure = WireError.limitExceeded("CQL body length")
        #expect(throws: failure) { try Self.frames([Array(frame[..<9])], bodyBytesMax: 99) }
        #expect(throws: failure) { try Self.frames(frame.map { [$0] }, bodyBytesMax: 99) }
    }

    @Test func nothingFollowsAFrameThatSaysStop() throws {
        let bytes = try CQLFixture.bytes("ready") + CQLFixture.bytes("ready")
        var decoder = CQLFrameDecoder(bodyBytesMax: 10)
        var count = 0
        try decoder.decode(bytes.span.bytes) { _, _ in
            count += 1
            return false
        }
        #expect(count == 1)
    }

    @Test func pendingBytesAreThoseOfTheFrameUnderWay() throws {
        let frame = CQLFixture.frame(.supported, [1, 2, 3])
        for count in 0..<frame.count {
            var decoder = CQLFrameDecoder(bodyBytesMax: 10)
            let prefix = Array(frame[..<count])
            try decoder.decode(prefix.span.bytes) { _, _ in true }
            #expect(decoder.pendingBytes == count)
        }
    }

    /// A body that is announced and does not come must cost what has come, not what was announced.
    @Test func anAnnouncedBodyIsNotReserved() throws {
        var decoders: [Int] = []
        for _ in 0..<64 {
            var decoder = CQLFrameDecoder(bodyBytesMax: CQLHeader.bodyBytesMax)
            let head: [UInt8] = [0x84, 0, 0, 0, 8, 0x0F, 0xFF, 0xFF, 0xFF, 1]
            try decoder.decode(head.span.bytes) { _, _ in true }
            decoders.append(decoder.pendingBytes)
        }
        #expect(decoders.allSatisfy { $0 == 10 })
    }
}
