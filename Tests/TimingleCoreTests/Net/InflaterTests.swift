import Testing
import TimingleTestSupport

@testable import TimingleNet

struct InflaterTests {
    private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0xFF, 0xFF]

    private static func deflated(_ bytes: [UInt8], windowBits: Int = 15, level: Int = 6) -> [UInt8] {
        let deflater = Deflater(.raw(windowBits: windowBits), level: level)
        var output: [UInt8] = []
        bytes.withUnsafeBytes { deflater.compress($0, .sync, into: &output) }
        return output
    }

    private static func inflate(
        _ pieces: [ArraySlice<UInt8>],
        windowBits: Int = 15,
        limit: Int = 1 << 20
    ) throws(InflateError) -> [UInt8] {
        let inflater = Inflater(rawWindowBits: windowBits)
        var output: [UInt8] = []
        for piece in pieces {
            let piece = Array(piece)
            // SAFETY: the array outlives the call.
            let bytes = piece.withUnsafeBytes { UnsafeRawBufferPointer($0) }
            try inflater.inflate(bytes, into: &output, limit: limit)
            withExtendedLifetime(piece) {}
        }
        return output
    }

    private static func error(_ bytes: [UInt8], limit: Int = 1 << 20) -> InflateError? {
        do throws(InflateError) {
            _ = try self.inflate([bytes[...]], limit: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [1, 6, 9, 0])
    func everySplitPointGivesTheSame(level: Int) throws {
        let bytes = CompressionSamples.text(600)
        let compressed = Self.deflated(bytes, level: level)
        for split in 0...compressed.count {
            let output = try Self.inflate([compressed[..<split], compressed[split...]])
            #expect(output == bytes, "split at \(split)")
        }
        let single = try Self.inflate(compressed.indices.map { compressed[$0...$0] })
        #expect(single == bytes)
    }

    /// Blocks of all three kinds, made by hand, as RFC 7692 section 7.2.3 shows them.
    @Test(
        arguments: [
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0xFF, 0xFF],
            // Stored.
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00, 0x00, 0x00, 0xFF, 0xFF],
            // Final, and an empty block behind it.
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF],
            // Two blocks.
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0xFF, 0xFF],
            // Empty stored blocks before, between and behind.
            [
                0x00, 0x00, 0x00, 0xFF, 0xFF, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0xFF, 0xFF,
                0x00, 0x00, 0x00, 0xFF, 0xFF,
            ],
        ] as [[UInt8]]
    )
    func blocksOfTheRFCAreHello(compressed: [UInt8]) throws {
        let whole = try Self.inflate([compressed[...]])
        #expect(whole == Array("Hello".utf8))
        let single = try Self.inflate(compressed.indices.map { compressed[$0...$0] })
        #expect(single == Array("Hello".utf8))
    }

    @Test func nothingIsNothing() throws {
        let none = try Self.inflate([])
        #expect(none.isEmpty)
        let empty = try Self.inflate([[0x00, 0x00, 0x00, 0xFF, 0xFF]], limit: 0)
        #expect(empty.isEmpty)
    }

    /// The second "Hello" of RFC 7692 section 7.2.3.2.
    @Test func historyIsKeptUntilReset() throws {
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF]
        let inflater = Inflater(rawWindowBits: 15)
        var output: [UInt8] = []
        try Self.hello.withUnsafeBytes { try inflater.inflate($0, into: &output, limit: 100) }
        output = []
        try second.withUnsafeBytes { try inflater.inflate($0, into: &output, limit: 100) }
        #expect(output == Array("Hello".utf8))
        inflater.reset()
        #expect(throws: InflateError.corrupt) {
            try second.withUnsafeBytes { try inflater.inflate($0, into: &output, limit: 100) }
        }
    }

    @Test func historyLivesThroughAFinalBlock() throws {
        let final: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF]
        let output = try Self.inflate([final[...], second[...]])
        #expect(output == Array("HelloHello".utf8))
    }

    @Test func theLimitIsExact() throws {
        for count in [1, 255, 256, 257, 5_000, 70_000] {
            let compressed = Self.deflated([UInt8](repeating: 65, count: count))
            let output = try Self.inflate([compressed[...]], limit: count)
            #expect(output.count == count)
            #expect(Self.error(compressed, limit: count - 1) == .tooLarge)
            #expect(Self.error(compressed, limit: 0) == .tooLarge)
        }
    }

    @Test func theLimitCountsWhatIsThere() {
        let inflater = Inflater(rawWindowBits: 15)
        var output = [UInt8](repeating: 0, count: 96)
        #expect(throws: InflateError.tooLarge) {
            try Self.hello.withUnsafeBytes { try inflater.inflate($0, into: &output, limit: 100) }
        }
        #expect(output.count == 100)
    }

    /// 256 MiB of zeroes are 256 KiB of DEFLATE: as one piece and as a hundred.
    @Test(arguments: [1, 100])
    func aBombStopsAtTheLimit(pieces: Int) {
        let deflater = Deflater(.raw(windowBits: 15), level: 9)
        var bomb: [UInt8] = []
        let mebibyte = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<256 { mebibyte.withUnsafeBytes { deflater.compress($0, .sync, into: &bomb) } }
        #expect(bomb.count < 270_000)
        let inflater = Inflater(rawWindowBits: 15)
        var output: [UInt8] = []
        let size = (bomb.count + pieces - 1) / pieces
        var taken = 0
        var error: InflateError?
        for start in stride(from: 0, to: bomb.count, by: size) {
            let piece = Array(bomb[start..<min(start + size, bomb.count)])
            do {
                try piece.withUnsafeBytes { try inflater.inflate($0, into: &output, limit: 65_536) }
                taken += 1
            } catch let caught as InflateError {
                error = caught
                break
            } catch {
                Issue.record("\(error)")
            }
        }
        #expect(error == .tooLarge)
        #expect(taken == 0)
        #expect(output.count == 65_536)
        #expect(output.capacity < 4 * 65_536)
    }

    @Test(
        arguments: [
            // Block type 3.
            [0x07],
            // A stored block whose length and complement disagree.
            [0x00, 0x05, 0x00, 0xFA, 0xFE],
            // A reference to before the beginning.
            [0xF2, 0x00, 0x11, 0x00, 0x00],
            // Too many length codes.
            [0xFC, 0xFF, 0xFF],
        ] as [[UInt8]]
    )
    func whatIsNoDeflateIsRefused(bytes: [UInt8]) {
        #expect(Self.error(bytes) == .corrupt)
    }

    @Test func aReferenceBeyondTheWindowIsRefused() throws {
        // The second half repeats the first, 4,096 bytes back.
        let half = CompressionSamples.noise(4_096)
        let compressed = Self.deflated(half + half, windowBits: 15, level: 9)
        let whole = try Self.inflate([compressed[...]])
        #expect(whole == half + half)
        // Byte by byte nothing helps but the window.
        #expect(throws: InflateError.corrupt) {
            try Self.inflate(compressed.indices.map { compressed[$0...$0] }, windowBits: 10)
        }
    }

    @Test(arguments: 0..<40)
    func mutatedInputEndsAsTheModelSays(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let compressed = Self.deflated(CompressionSamples.text(300, seed: seed), level: seed % 2 == 0 ? 6 : 0)
        for _ in 0..<50 {
            var mutated = compressed
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                mutated[Int.random(in: 0..<mutated.count, using: &generator)] = .random(
                    in: .min ... .max,
                    using: &generator
                )
            }
            let limit = 1 << 16
            guard let model = NaiveInflate.inflate(mutated) else {
                // zlib may still wait for more where the model found an early end; it must only not invent bytes.
                _ = Self.error(mutated, limit: limit)
                continue
            }
            let output = try? Self.inflate([mutated[...]], limit: limit)
            // zlib refuses incomplete code sets that the model takes.
            if let output, model.bytes.count <= limit { #expect(output == model.bytes, "seed \(seed)") }
        }
    }

    @Test(arguments: Deflater.windowBits)
    func allWindowsGoTogether(windowBits: Int) throws {
        let bytes = CompressionSamples.text(9_000)
        let compressed = Self.deflated(bytes, windowBits: windowBits)
        // In small pieces zlib has nothing but its window.
        let pieces = stride(from: 0, to: compressed.count, by: 5).map { compressed[$0..<min($0 + 5, compressed.count)] }
        let output = try Self.inflate(pieces, windowBits: windowBits)
        #expect(output == bytes)
    }
}
