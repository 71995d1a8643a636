import Testing
import TimingleTestSupport

@testable import TimingleNet

struct BroadcastFrameTests {
    private static func text(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(0x61 + $0 % 26) } }

    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536])
    func aTextWrittenIntoMemoryIsTheFrameThatIsEncoded(count: Int) {
        let text = Self.text(count)
        for memory in [[], [UInt8](repeating: 7, count: 40), [UInt8](repeating: 7, count: 100_000)] {
            var frame = BroadcastFrame(in: memory)
            #expect(frame.isEmpty)
            frame.append(text: text.span)
            #expect(frame.bytes == BroadcastFrame(textBytes: text).bytes)
            #expect(frame.count == frame.bytes.count && frame.withBytes { $0.elementsEqual(frame.bytes) })
        }
    }

    @Test func textsAndFramesLieOneBehindTheOther() {
        var frame = BroadcastFrame(in: [UInt8](repeating: 7, count: 50))
        var expected: [UInt8] = []
        for count in [3, 0, 200, 126, 5_000, 1, 70_000] {
            let text = Self.text(count)
            if count % 2 == 0 { frame.append(text: text.span) } else { frame.append(BroadcastFrame(textBytes: text)) }
            expected += BroadcastFrame(textBytes: text).bytes
            #expect(frame.bytes == expected)
        }
    }

    @Test func whatIsSharedStaysAsItIs() {
        var frame = BroadcastFrame(in: [UInt8](repeating: 7, count: 5_000))
        frame.append(text: "one".utf8.span)
        #expect(!frame.isShared)
        let shared = frame.share()
        #expect(frame.isShared && shared == BroadcastFrame(text: "one").bytes)
        // It is as long as it has to be: an outbox may keep it for long.
        #expect(shared.capacity < 1_000)
        frame.append(text: "two".utf8.span)
        #expect(shared == BroadcastFrame(text: "one").bytes)
        #expect(frame.bytes == shared + BroadcastFrame(text: "two").bytes)
    }

    @Test func aFrameBegunInOtherMemoryLeavesItsOwnAndIsEmpty() {
        var frame = BroadcastFrame(text: "hello")
        _ = frame.share()
        var memory = [UInt8](repeating: 7, count: 100)
        frame.begin(in: &memory)
        #expect(memory == BroadcastFrame(text: "hello").bytes)
        #expect(frame.isEmpty && frame.bytes.isEmpty && !frame.isShared && frame.memoryBytes == 100)
        frame.append(text: "x".utf8.span)
        #expect(frame.bytes == BroadcastFrame(text: "x").bytes)
    }
}
