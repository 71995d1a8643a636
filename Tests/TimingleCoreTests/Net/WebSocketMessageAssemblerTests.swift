import Testing

@testable import TimingleNet

struct WebSocketMessageAssemblerTests {
    private struct World {
        var assembler = WebSocketMessageAssembler()
        var maxMessageBytes = 64

        mutating func take(
            _ opcode: WebSocketOpcode,
            _ payload: [UInt8],
            final isFinal: Bool = true,
            frameBytes: Int? = nil,
            first isFirst: Bool = true,
            last isLast: Bool = true
        ) throws(WebSocketProtocolError) -> WebSocketMessageAssembler.Outcome {
            let header = WebSocketFrameHeader(
                isFinal: isFinal,
                opcode: opcode,
                length: frameBytes ?? payload.count,
                maskingKey: 0
            )
            let part = WebSocketFrameDecoder.Part(
                header: header,
                range: 0..<payload.count,
                isFirst: isFirst,
                isLast: isLast
            )
            var copy = payload
            var outcome: Result<WebSocketMessageAssembler.Outcome, WebSocketProtocolError> = .success(.nothing)
            copy.withUnsafeMutableBytes { bytes in
                do throws(WebSocketProtocolError) {
                    outcome = .success(
                        try self.assembler.partReceived(
                            part,
                            UnsafeRawBufferPointer(bytes),
                            maxMessageBytes: self.maxMessageBytes
                        )
                    )
                } catch {
                    outcome = .failure(error)
                }
            }
            return try outcome.get()
        }
    }

    @Test func oneWholeFrameIsAMessageWhereItLies() throws {
        var world = World()
        #expect(try world.take(.text, Array("hi".utf8)) == .wholeMessage(isText: true))
        #expect(try world.take(.binary, [0xFF]) == .wholeMessage(isText: false))
        #expect(try world.take(.text, []) == .wholeMessage(isText: true))
        #expect(world.assembler.takeMessage().isEmpty)
    }

    @Test func fragmentsAreJoinedWithControlFramesInBetween() throws {
        var world = World()
        #expect(try world.take(.text, [0xED, 0x95], final: false) == .nothing)
        #expect(try world.take(.ping, [1, 2]) == .control(.ping))
        #expect(world.assembler.takeControlPayload() == [1, 2])
        #expect(try world.take(.continuation, [], final: false) == .nothing)
        #expect(try world.take(.continuation, [0x9C]) == .assembledMessage(isText: true))
        #expect(world.assembler.takeMessage() == Array("한".utf8))
        #expect(try world.take(.text, [0x41]) == .wholeMessage(isText: true))
    }

    @Test func aFrameInPartsIsOneMessage() throws {
        var world = World()
        #expect(try world.take(.binary, [1], frameBytes: 3, last: false) == .nothing)
        #expect(try world.take(.binary, [2], frameBytes: 3, first: false, last: false) == .nothing)
        #expect(
            try world.take(.binary, [3], frameBytes: 3, first: false) == .assembledMessage(isText: false)
        )
        #expect(world.assembler.takeMessage() == [1, 2, 3])
    }

    @Test func aControlFrameInPartsIsJoined() throws {
        var world = World()
        #expect(try world.take(.ping, [1], frameBytes: 2, last: false) == .nothing)
        #expect(try world.take(.ping, [2], frameBytes: 2, first: false) == .control(.ping))
        #expect(world.assembler.takeControlPayload() == [1, 2])
    }

    @Test func orderIsKept() throws {
        var world = World()
        #expect(throws: WebSocketProtocolError.continuationWithoutStart) { try world.take(.continuation, []) }
        _ = try world.take(.text, [0x41], final: false)
        #expect(throws: WebSocketProtocolError.messageInterrupted) { try world.take(.text, [0x41]) }
        #expect(throws: WebSocketProtocolError.messageInterrupted) { try world.take(.binary, [0x41]) }
    }

    @Test func theLimitCountsBytesOfAllFragments() throws {
        for (last, fits) in [(31, true), (32, true), (33, false)] {
            var world = World()
            _ = try world.take(.binary, [0], final: false)
            for _ in 0..<31 { _ = try world.take(.continuation, [0], final: false) }
            let outcome = Result { try world.take(.continuation, [UInt8](repeating: 0, count: last)) }
            if fits {
                #expect(try outcome.get() == .assembledMessage(isText: false))
            } else {
                #expect(throws: WebSocketProtocolError.messageTooBig) { try outcome.get() }
            }
        }
    }

    @Test func anOversizeMessageIsRefusedByItsHead() throws {
        var world = World()
        #expect(throws: WebSocketProtocolError.messageTooBig) {
            try world.take(.binary, [0], frameBytes: 65, last: false)
        }
    }

    @Test func manyTinyFragmentsAreNoReasonToRefuse() throws {
        var world = World(maxMessageBytes: 70_000)
        _ = try world.take(.binary, [7], final: false)
        for _ in 0..<65_535 { _ = try world.take(.continuation, [7], final: false) }
        #expect(try world.take(.continuation, []) == .assembledMessage(isText: false))
        #expect(world.assembler.takeMessage().count == 65_536)
    }

    @Test func badTextFailsAtOnceAndAtTheEnd() throws {
        var world = World()
        #expect(throws: WebSocketProtocolError.invalidUTF8) {
            // Half a frame is enough: the rest cannot mend it.
            try world.take(.text, [0xF4, 0x90], frameBytes: 4, last: false)
        }
        world = World()
        _ = try world.take(.text, [0xED, 0x95], final: false)
        #expect(throws: WebSocketProtocolError.invalidUTF8) { try world.take(.continuation, []) }
        world = World()
        #expect(throws: WebSocketProtocolError.invalidUTF8) { try world.take(.text, [0xED, 0x95]) }
    }
}
