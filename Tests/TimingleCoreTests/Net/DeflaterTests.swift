import Testing
import TimingleTestSupport

@testable import TimingleNet

struct DeflaterTests {
    private static func compress(
        _ bytes: [UInt8],
        _ format: Deflater.Format,
        _ flush: Deflater.Flush = .finish,
        level: Int = 6,
        memoryLevel: Int = 8
    ) -> [UInt8] {
        let deflater = Deflater(format, level: level, memoryLevel: memoryLevel)
        var output: [UInt8] = []
        bytes.withUnsafeBytes { deflater.compress($0, flush, into: &output) }
        return output
    }

    /// The example of RFC 7692 section 7.2.3.1, with the four bytes that the extension takes off.
    @Test func helloIsTheBytesOfTheRFC() {
        let compressed = Self.compress(Array("Hello".utf8), .raw(windowBits: 15), .sync)
        #expect(compressed == [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0xFF, 0xFF])
    }

    /// The example of RFC 7692 section 7.2.3.2: the second "Hello" refers to the first.
    @Test func historyIsKeptUntilReset() {
        let deflater = Deflater(.raw(windowBits: 15))
        var (first, second, third): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
        Array("Hello".utf8).withUnsafeBytes { hello in
            deflater.compress(hello, .sync, into: &first)
            deflater.compress(hello, .sync, into: &second)
            deflater.reset()
            deflater.compress(hello, .sync, into: &third)
        }
        #expect(second == [0xF2, 0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF])
        #expect(third == first)
    }

    @Test(arguments: Deflater.windowBits, Deflater.levels)
    func referencesStayInsideTheWindow(windowBits: Int, level: Int) throws {
        let bytes = CompressionSamples.text(12_000) + [UInt8](repeating: 7, count: 3_000)
        for memoryLevel in [1, 8] {
            let format = Deflater.Format.raw(windowBits: windowBits)
            let compressed = Self.compress(bytes, format, .sync, level: level, memoryLevel: memoryLevel)
            #expect(compressed.suffix(4) == [0x00, 0x00, 0xFF, 0xFF])
            let model = try #require(NaiveInflate.inflate(compressed))
            #expect(model.bytes == bytes)
            #expect(model.distanceMax <= 1 << windowBits)
            // The window is used, or the claim above would say nothing.
            if level > 0 { #expect(model.distanceMax > 1 << (windowBits - 2) || windowBits > 13) }
        }
    }

    @Test(arguments: [0, 1, 125, 65_535, 65_536, 300_000])
    func noiseAndTextComeBack(count: Int) throws {
        for bytes in [CompressionSamples.text(count), CompressionSamples.noise(count)] {
            for flush in [Deflater.Flush.sync, .finish] {
                let compressed = Self.compress(bytes, .raw(windowBits: 15), flush)
                #expect(compressed.count <= bytes.count + bytes.count / 1_000 + 32)
                let inflater = Inflater(rawWindowBits: 15)
                var output: [UInt8] = []
                try compressed.withUnsafeBytes { try inflater.inflate($0, into: &output, limit: count) }
                #expect(output == bytes)
            }
        }
    }

    @Test func piecesMakeOneStream() throws {
        let bytes = CompressionSamples.text(5_000)
        let deflater = Deflater(.raw(windowBits: 12), level: 9, memoryLevel: 4)
        var compressed: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 777) {
            bytes[start..<min(start + 777, bytes.count)].withUnsafeBytes {
                deflater.compress($0, .sync, into: &compressed)
            }
        }
        let model = try #require(NaiveInflate.inflate(compressed))
        #expect(model.bytes == bytes)
    }

    /// RFC 1952: magic, method, no flags; CRC-32 and length at the end.
    @Test func gzipHasItsHeaderAndTrailer() throws {
        let compressed = Self.compress(Array("123456789".utf8), .gzip)
        #expect(compressed.prefix(4) == [0x1F, 0x8B, 0x08, 0x00])
        // The check value of CRC-32 is 0xCBF43926.
        #expect(compressed.suffix(8) == [0x26, 0x39, 0xF4, 0xCB, 9, 0, 0, 0])
        let model = try #require(NaiveInflate.inflate(Array(compressed[10..<(compressed.count - 8)])))
        #expect(model.bytes == Array("123456789".utf8))
    }

    @Test func aResetGzipBeginsAnew() {
        let deflater = Deflater(.gzip)
        var (first, second): ([UInt8], [UInt8]) = ([], [])
        Array("body".utf8).withUnsafeBytes { body in
            deflater.compress(body, .finish, into: &first)
            deflater.reset()
            deflater.compress(body, .finish, into: &second)
        }
        #expect(first == second)
    }

    @Test func outputIsAppended() {
        let deflater = Deflater(.raw(windowBits: 15))
        var output: [UInt8] = [1, 2, 3]
        Array("Hello".utf8).withUnsafeBytes { deflater.compress($0, .sync, into: &output) }
        #expect(output.prefix(4) == [1, 2, 3, 0xF2])
    }
}
