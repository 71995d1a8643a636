#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif

/// Compressed bytes of strangers: the same in one piece as in many, never more than the limit.
enum InflateFuzz {
    private struct Reading: Equatable {
        var output: [UInt8] = []
        var error: InflateError?
    }

    static func check(_ input: FuzzInput) throws {
        let inflater = Inflater(rawWindowBits: 8 + Int(input.choice & 7))
        let limit = [0, 1, 100, 1_000, 70_000, 300_000][Int(input.choice >> 3) % 6]
        let whole = Self.inflate([input.bytes], by: inflater, limit)
        inflater.reset()
        let inPieces = Self.inflate(input.chunks, by: inflater, limit)
        // Within one call zlib also follows references that go beyond a window smaller than 2^15, between calls it cannot.
        if input.choice & 7 == 7 || inPieces.error != .corrupt {
            try FuzzFinding.unless(whole.error == inPieces.error, "in pieces \(String(describing: inPieces.error))")
            try FuzzFinding.unless(whole.error != nil || whole == inPieces, "pieces mean the same")
        }
        for reading in [whole, inPieces] {
            try FuzzFinding.unless(reading.output.count <= limit, "output is within its limit")
            try FuzzFinding.unless(reading.output.capacity <= 2 * limit + 128 * 1024, "so is what is reserved")
            try FuzzFinding.unless(reading.error != .tooLarge || reading.output.count == limit, "the limit is used")
        }
        // What came before leaves nothing behind.
        inflater.reset()
        let hello = Self.inflate([[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0, 0, 0xff, 0xff]], by: inflater, 5)
        try FuzzFinding.unless(hello == Reading(output: Array("Hello".utf8)), "RFC 7692's example after a reset")
    }

    private static func inflate(_ chunks: [[UInt8]], by inflater: Inflater, _ limit: Int) -> Reading {
        var reading = Reading()
        for chunk in chunks {
            reading.error = chunk.withUnsafeBytes { bytes in
                do throws(InflateError) {
                    try inflater.inflate(bytes, into: &reading.output, limit: limit)
                    return nil
                } catch {
                    return error
                }
            }
            if reading.error != nil { break }
        }
        return reading
    }
}

/// What we compress can be inflated by a peer with the window that was agreed, at every flush.
enum DeflateFuzz {
    static func check(_ input: FuzzInput) throws {
        let windowBits = 8 + Int(input.choice & 7)
        let level = [1, 6, 9, 0][Int(input.choice >> 3 & 3)]
        let deflater = Deflater(.raw(windowBits: windowBits), level: level, memoryLevel: 1 + Int(input.choice >> 5))
        let inflater = Inflater(rawWindowBits: windowBits)
        var compressed: [UInt8] = []
        for chunk in input.chunks {
            compressed.removeAll(keepingCapacity: true)
            chunk.withUnsafeBytes { deflater.compress($0, .sync, into: &compressed) }
            try FuzzFinding.unless(compressed.suffix(4) == [0, 0, 0xff, 0xff], "a flush ends with an empty block")
            var output: [UInt8] = []
            try compressed.withUnsafeBytes { bytes in
                try inflater.inflate(bytes, into: &output, limit: chunk.count)
            }
            try FuzzFinding.unless(output == chunk, "what goes in comes out")
        }
    }
}
