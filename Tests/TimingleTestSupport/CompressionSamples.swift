/// Bytes of several natures for what compresses, made from a seed.
package enum CompressionSamples {
    /// Words that repeat near and far, so that matches of all distances occur.
    package static func text(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let words = (0..<400).map { _ in
            (0..<Int.random(in: 2...12, using: &generator)).map { _ in UInt8.random(in: 97...122, using: &generator) }
        }
        var bytes: [UInt8] = []
        while bytes.count < count {
            bytes += words[Int.random(in: 0..<words.count, using: &generator)]
            bytes.append(32)
        }
        return Array(bytes[..<count])
    }

    package static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
