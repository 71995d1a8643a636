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
}
