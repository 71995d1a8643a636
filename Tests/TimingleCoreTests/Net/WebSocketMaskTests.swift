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

    @Test func whatWasMadeOfAllBytesIsJoinedToOneWord() {
        for count in 1...100 {
            for place in 0..<count {
                var bytes = [UInt8](repeating: 0x41, count: count)
                bytes[place] = 0xC1
                bytes.withUnsafeMutableBytes { WebSocketMask.apply(0x3D21_FA37, phase: 0, to: $0) }
                let all = bytes.withUnsafeMutableBytes { raw in
                    raw.baseAddress.map { WebSocketMask.apply(0x3D21_FA37, to: $0, count: count) } ?? 0
                }
                #expect(all & 0x8080_8080_8080_8080 != 0, "count \(count), place \(place)")
                #expect(all & 0x7F7F_7F7F_7F7F_7F7F & ~0x4141_4141_4141_4141 == 0)
                #expect(bytes[place] == 0xC1)
            }
        }
    }

    @Test func aKeyOfZeroChangesNothing() {
        var bytes: [UInt8] = [1, 2, 3]
        bytes.withUnsafeMutableBytes { WebSocketMask.apply(0, phase: 1, to: $0) }
        #expect(bytes == [1, 2, 3])
    }
}
