/// Cuts a connection's chunks into the contents of records: small ones are put together, large ones are not copied.
///
/// A value for the length of one write.
struct TLSContentReader {
    private let chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>
    private let area: UnsafeMutableRawBufferPointer
    private var index = 0
    private var offset: Int
    /// Bytes that were given out.
    private(set) var takenBytes = 0

    /// Starts behind the first `count` bytes.
    ///
    /// SAFETY: `chunks` and `area` outlive this value, and nobody else writes to `area`.
    init(
        _ chunks: UnsafeBufferPointer<UnsafeRawBufferPointer>,
        skipping count: Int,
        gathering area: UnsafeMutableRawBufferPointer
    ) {
        self.chunks = chunks
        self.area = area
        self.offset = count
    }

    /// The next content, valid until the next call; nil at the end.
    mutating func next(atMost limit: Int) -> UnsafeRawBufferPointer? {
        while self.index < self.chunks.count, self.offset >= self.chunks[self.index].count {
            self.offset -= self.chunks[self.index].count
            self.index += 1
        }
        guard self.index < self.chunks.count else { return nil }
        let chunk = self.chunks[self.index]
        let rest = chunk.count - self.offset
        if rest >= limit || self.index == self.chunks.count - 1 {
            let count = min(rest, limit)
            let content = UnsafeRawBufferPointer(rebasing: chunk[self.offset..<(self.offset + count)])
            self.offset += count
            self.takenBytes += count
            return content
        }
        return self.gather(atMost: min(limit, self.area.count))
    }

    private mutating func gather(atMost limit: Int) -> UnsafeRawBufferPointer {
        var filled = 0
        while filled < limit, self.index < self.chunks.count {
            let chunk = self.chunks[self.index]
            let count = min(chunk.count - self.offset, limit - filled)
            let part = UnsafeRawBufferPointer(rebasing: chunk[self.offset..<(self.offset + count)])
            UnsafeMutableRawBufferPointer(rebasing: self.area[filled...]).copyMemory(from: part)
            filled += count
            self.offset += count
            if self.offset == chunk.count {
                self.index += 1
                self.offset = 0
            }
        }
        self.takenBytes += filled
        return UnsafeRawBufferPointer(rebasing: self.area[..<filled])
    }
}
