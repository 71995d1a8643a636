import Testing
import TimingleTestSupport

@testable import TimingleNet

struct WebSocketFrameDecoderTests {
    private struct Frame: Equatable {
        var opcode: WebSocketOpcode
        var isFinal: Bool
        var payload: [UInt8]
    }

    /// Feeds the chunks as a stream would: what was not consumed comes again with the next chunk.
    private static func decode(
        _ chunks: [[UInt8]],
        maxFrameBytes: Int = 1 << 20
    ) throws(WebSocketProtocolError) -> (frames: [Frame], rest: Int) {
        var decoder = WebSocketFrameDecoder()
        var frames: [Frame] = []
        var open: Frame?
        var kept: [UInt8] = []
        for chunk in chunks {
            kept += chunk
            var offset = 0
            var parts: [(WebSocketFrameDecoder.Part, [UInt8])] = []
            var failure: WebSocketProtocolError?
            kept.withUnsafeMutableBytes { bytes in
                do throws(WebSocketProtocolError) {
                    while let part = try decoder.next(bytes, from: &offset, maxFrameBytes: maxFrameBytes) {
                        parts.append((part, Array(bytes[part.range])))
                    }
                } catch {
                    failure = error
                }
            }
            for (part, payload) in parts {
                #expect(part.isFirst == (open == nil))
                var frame = open ?? Frame(opcode: part.header.opcode, isFinal: part.header.isFinal, payload: [])
                frame.payload += payload
                open = part.isLast ? nil : frame
                if part.isLast { frames.append(frame) }
            }
            if let failure { throw failure }
            kept.removeFirst(offset)
        }
        return (frames, kept.count)
    }

    private static func error(_ bytes: [UInt8], maxFrameBytes: Int = 1 << 20) -> WebSocketProtocolError? {
        do throws(WebSocketProtocolError) {
            _ = try self.decode([bytes], maxFrameBytes: maxFrameBytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func theMaskedExamplesOfTheRFCAreRead() throws {
        let hello: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        let pong: [UInt8] = [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        let (frames, rest) = try Self.decode([hello + pong])
        #expect(rest == 0)
        #expect(
            frames == [
                Frame(opcode: .text, isFinal: true, payload: Array("Hello".utf8)),
                Frame(opcode: .pong, isFinal: true, payload: Array("Hello".utf8)),
            ]
        )
    }

    private static let conversation: (bytes: [UInt8], frames: [Frame]) = {
        let long = (0..<300).map { UInt8($0 & 0xFF) }
        let wide = (0..<70_000).map { UInt8($0 % 251) }
        let parts: [(UInt8, [UInt8], Bool)] = [
            (0x1, Array("Hel".utf8), false), (0x9, [1, 2, 3], true), (0x0, Array("lo".utf8), true), (0x2, [], true),
            (0x2, long, true), (0xA, [], true), (0x2, wide, true), (0x8, [0x03, 0xE8], true),
        ]
        return (
            parts.flatMap { WebSocketClientFrame($0.0, $0.1, isFinal: $0.2).bytes },
            parts.map { Frame(opcode: WebSocketOpcode(rawValue: $0.0) ?? .text, isFinal: $0.2, payload: $0.1) }
        )
    }()

    @Test func everyCutGivesTheSameFrames() throws {
        let (bytes, frames) = Self.conversation
        // All cuts in the small frames, some in the big one.
        for cut in Array(0...400) + Array(stride(from: 401, to: bytes.count, by: 1_009)) + [bytes.count] {
            let (read, rest) = try Self.decode([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(read == frames && rest == 0, "cut at \(cut)")
        }
    }

    @Test(arguments: [1, 2, 3, 7, 13, 64, 4_096])
    func anyChunkSizeGivesTheSameFrames(size: Int) throws {
        let (bytes, frames) = Self.conversation
        let chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        let (read, rest) = try Self.decode(chunks)
        #expect(read == frames && rest == 0)
    }

    @Test func everyPrefixAsksForMore() throws {
        let bytes = WebSocketClientFrame(0x2, [UInt8](repeating: 7, count: 300)).bytes
        for count in 0..<bytes.count {
            let (frames, rest) = try Self.decode([Array(bytes[..<count])])
            #expect(frames.isEmpty)
            // Never more than a cut head is left to be offered again.
            #expect(rest < 8)
        }
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 65_537])
    func everyLengthEncodingIsRead(count: Int) throws {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let (frames, rest) = try Self.decode([WebSocketClientFrame(0x2, payload).bytes])
        #expect(frames == [Frame(opcode: .binary, isFinal: true, payload: payload)] && rest == 0)
    }

    @Test(arguments: [(125, WebSocketClientFrame.LengthForm.sixteenBits), (0, .sixteenBits), (65_535, .sixtyFourBits)])
    func aLengthNotInItsShortestFormIsRefused(count: Int, form: WebSocketClientFrame.LengthForm) {
        var frame = WebSocketClientFrame(0x2, [UInt8](repeating: 0, count: count))
        frame.lengthForm = form
        #expect(Self.error(frame.bytes) == .lengthNotMinimal)
    }

    @Test func theFrameLimitIsExact() {
        for (count, expected) in [(999, nil), (1_000, nil), (1_001, WebSocketProtocolError.frameTooBig)] {
            let frame = WebSocketClientFrame(0x2, [UInt8](repeating: 0, count: count))
            #expect(Self.error(frame.bytes, maxFrameBytes: 1_000) == expected)
        }
    }

    @Test func anOversizeIsRefusedBeforeItsKeyHasCome() {
        #expect(Self.error([0x82, 0xFE, 0x04, 0x00], maxFrameBytes: 1_000) == .frameTooBig)
        let large: [UInt8] = [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0]
        #expect(Self.error(large) == .lengthTooLarge)
    }

    @Test func badHeadsAreRefusedByTheirFirstTwoBytes() {
        for reserved in 1...7 as ClosedRange<UInt8> {
            #expect(Self.error([0x81 | reserved << 4, 0x80]) == .reservedBits)
        }
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8] {
            #expect(Self.error([0x80 | opcode, 0x80]) == .unknownOpcode)
        }
        for opcode in WebSocketOpcode.allCases {
            #expect(Self.error([0x80 | opcode.rawValue, 0x00]) == .unmasked)
            guard opcode.isControl else { continue }
            #expect(Self.error([opcode.rawValue, 0x80]) == .controlFragmented)
            #expect(Self.error([0x80 | opcode.rawValue, 0x80 | 126]) == .controlTooLong)
            #expect(Self.error([0x80 | opcode.rawValue, 0x80 | 127]) == .controlTooLong)
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func mutatedBytesNeverLeaveTheBuffer(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = Array(Self.conversation.bytes[..<400])
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let cut = Int.random(in: 0...bytes.count, using: &random)
        var total = 0
        do throws(WebSocketProtocolError) {
            let (frames, _) = try Self.decode([Array(bytes[..<cut]), Array(bytes[cut...])])
            total = frames.reduce(0) { $0 + $1.payload.count }
        } catch {
            #expect(error.closeCode.isAllowedOnTheWire)
        }
        #expect(total <= bytes.count)
    }

    @Test func nothingBehindTheBytesIsTouched() throws {
        let bytes = Array(Self.conversation.bytes[..<400])
        for count in 0...bytes.count {
            let read = GuardedBytes.with(Array(bytes[..<count])) { raw in
                var decoder = WebSocketFrameDecoder()
                var offset = 0
                while let part = try? decoder.next(raw, from: &offset, maxFrameBytes: 1 << 20) {
                    #expect(part.range.upperBound <= count)
                }
                return offset
            }
            #expect((read ?? 0) <= count && read != nil)
        }
    }

    // MARK: Whole messages

    /// Asks for a whole message at `offset`; the bytes as they are afterwards.
    private static func wholeMessage(
        _ bytes: [UInt8],
        at offset: Int = 0,
        bytesMax: Int = 1 << 16
    ) -> (message: WebSocketFrameDecoder.WholeMessage?, offset: Int, bytes: [UInt8]) {
        var decoder = WebSocketFrameDecoder()
        var (bytes, offset) = (bytes, offset)
        let message = bytes.withUnsafeMutableBytes { decoder.wholeMessage($0, from: &offset, bytesMax: bytesMax) }
        return (message, offset, bytes)
    }

    @Test(arguments: [0, 1, 2, 31, 32, 33, 124, 125, 126, 127, 200, 65_535])
    func aWholeMessageIsWhatNextReads(count: Int) throws {
        for (opcode, isText) in [(UInt8(1), true), (2, false)] {
            for highAt in Set([nil, 0, count / 2, count - 1]) where highAt.map({ (0..<count).contains($0) }) ?? true {
                var payload = (0..<count).map { UInt8($0 % 127) }
                if let highAt { payload[highAt] = 0x80 }
                let frame = WebSocketClientFrame(opcode, payload).bytes
                let found = Self.wholeMessage([9, 9, 9] + frame + [7], at: 3)
                let message = try #require(found.message)
                #expect(message.isText == isText && message.isASCII == (highAt == nil))
                #expect(found.offset == 3 + frame.count && message.range.upperBound == found.offset)
                let (frames, _) = try Self.decode([frame])
                #expect(found.bytes[message.range].elementsEqual(frames[0].payload))
                #expect(found.bytes.first == 9 && found.bytes.last == 7)
            }
        }
    }

    @Test(arguments: [0, 1, 125, 126, 300])
    func aWholeMessageThatIsNotAllThereIsLeftAlone(count: Int) {
        let frame = WebSocketClientFrame(1, [UInt8](repeating: 0x61, count: count)).bytes
        for prefix in 0..<frame.count {
            let found = Self.wholeMessage(Array(frame[..<prefix]))
            #expect(found.message == nil && found.offset == 0 && found.bytes.elementsEqual(frame[..<prefix]))
        }
    }

    @Test(arguments: [0, 125, 126, 300])
    func aWholeMessageIsHeldToItsLimit(count: Int) {
        let frame = WebSocketClientFrame(2, [UInt8](repeating: 0x61, count: count)).bytes
        #expect(Self.wholeMessage(frame, bytesMax: count).message != nil)
        let refused = Self.wholeMessage(frame, bytesMax: count - 1)
        #expect(refused.message == nil && refused.bytes == frame)
    }

    @Test func whateverElseThanAWholeMessageIsLeftToNext() {
        for first in UInt8.min...UInt8.max {
            for second in [UInt8(0), 5, 126, 127, 0x80, 0x85, 0xFD, 0xFE, 0xFF] {
                for length in [[UInt8(0), 0], [0, 125], [0, 126]] {
                    let bytes = [first, second] + length + [UInt8](repeating: 0, count: 200)
                    let found = Self.wholeMessage(bytes)
                    let isLongForm = second == 0xFE && length == [0, 126]
                    let isWhole = (first == 0x81 || first == 0x82) && (isLongForm || (0x80...0xFD).contains(second))
                    #expect((found.message != nil) == isWhole, "\(first) \(second) \(length)")
                    if !isWhole { #expect(found.offset == 0 && found.bytes == bytes) }
                }
            }
        }
    }

    @Test(arguments: [0, 1, 7, 31, 33, 125, 126, 200])
    func aWholeMessageTouchesNothingBehindTheBytes(count: Int) throws {
        let frame = WebSocketClientFrame(1, [UInt8](repeating: 0x61, count: count)).bytes
        for length in 0...frame.count {
            let isWhole = GuardedBytes.with(Array(frame[..<length])) { raw in
                var decoder = WebSocketFrameDecoder()
                var offset = 0
                return decoder.wholeMessage(raw, from: &offset, bytesMax: 1 << 16) != nil
            }
            #expect(isWhole == (length == frame.count))
        }
    }

    @Test func thereIsNoWholeMessageInsideOfAFrame() throws {
        var decoder = WebSocketFrameDecoder()
        var first = Array(WebSocketClientFrame(2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).bytes[..<8])
        var offset = 0
        try first.withUnsafeMutableBytes { _ = try decoder.next($0, from: &offset, maxFrameBytes: 100) }
        var second = WebSocketClientFrame(1, [1]).bytes
        offset = 0
        second.withUnsafeMutableBytes { #expect(decoder.wholeMessage($0, from: &offset, bytesMax: 100) == nil) }
        #expect(offset == 0)
    }
}
