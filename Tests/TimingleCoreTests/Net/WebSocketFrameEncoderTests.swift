import Testing
import TimingleTestSupport

@testable import TimingleNet

struct WebSocketFrameEncoderTests {
    @Test func theUnmaskedExamplesOfTheRFCAreWritten() {
        #expect(WebSocketFrameEncoder.frame(text: "Hello") == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        let hello = Array("Hello".utf8)
        #expect(WebSocketFrameEncoder.frame(.ping, hello) == [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        let short = [UInt8](repeating: 9, count: 256)
        #expect(WebSocketFrameEncoder.frame(.binary, short) == [0x82, 0x7E, 0x01, 0x00] + short)
        let long = [UInt8](repeating: 9, count: 65_536)
        #expect(WebSocketFrameEncoder.frame(.binary, long) == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + long)
    }

    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536])
    func whatIsWrittenIsReadByAClient(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let bytes = WebSocketFrameEncoder.frame(.binary, payload)
        #expect(WebSocketServerFrame.all(in: bytes) == [WebSocketServerFrame(0x2, payload)])
    }

    @Test func aCloseHasItsCodeAndReason() {
        #expect(WebSocketFrameEncoder.close(.normal) == [0x88, 2, 0x03, 0xE8])
        #expect(WebSocketFrameEncoder.close(.noStatus) == [0x88, 0])
        #expect(WebSocketFrameEncoder.close(.flood, reason: "ab") == [0x88, 4, 0x11, 0x9D, 0x61, 0x62])
    }

    @Test func aLongReasonIsCutBetweenCharacters() {
        let frame = WebSocketFrameEncoder.close(.normal, reason: String(repeating: "약", count: 100))
        let payload = Array(frame[4...])
        #expect(payload.count == 123 - 123 % 3)
        #expect(String(validating: payload, as: UTF8.self) == String(repeating: "약", count: 41))
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536])
    func aFrameWrittenIntoMemoryIsTheSameAndTouchesNothingBehindIt(count: Int) {
        let payload = [UInt8](repeating: 0x61, count: count)
        let frame = WebSocketFrameEncoder.frame(.text, payload)
        var memory = [UInt8](repeating: 7, count: frame.count + 3)
        memory.withUnsafeMutableBytes { memory in
            payload.withUnsafeBytes {
                let place = UnsafeMutableRawBufferPointer(rebasing: memory[1..<1 + frame.count])
                WebSocketFrameEncoder.write(.text, $0, to: place)
            }
        }
        #expect(memory == [7] + frame + [7, 7])
    }
}
