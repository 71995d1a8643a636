import Testing
import TimingleTestSupport

@testable import TimingleNet

struct WebSocketMaskTests {
    @Test(arguments: 0..<8)
    func agreesWithOneByteAtATimeForAllLengthsAndPhases(alignment: Int) {
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        let word: UInt32 = 0x3D21_FA37
        for count in 0...100 {
            for phase in 0..<4 {
                var bytes = (0..<alignment + count + 8).map { UInt8(truncatingIfNeeded: $0 &* 7) }
                var expected = bytes
                for index in 0..<count { expected[alignment + index] ^= key[(phase + index) % 4] }
                bytes.withUnsafeMutableBytes { raw in
                    let range = alignment..<alignment + count
                    WebSocketMask.apply(word, phase: phase, to: UnsafeMutableRawBufferPointer(rebasing: raw[range]))
                }
                #expect(bytes == expected, "count \(count), phase \(phase)")
            }
        }
    }

    @Test func aKeyOfZeroChangesNothing() {
        var bytes: [UInt8] = [1, 2, 3]
        bytes.withUnsafeMutableBytes { WebSocketMask.apply(0, phase: 1, to: $0) }
        #expect(bytes == [1, 2, 3])
    }
}
