/// Which streams of a connection are free: one bit for each, the lowest free one is taken first.
///
/// Loop-confined. It begins with 64 streams and grows as far as they are used at once.
struct StreamIDAllocator {
    /// All that a header can name.
    static let all = 32_768

    private let limit: Int
    /// A set bit is a taken stream.
    private var words: [UInt64] = [0]
    /// No stream of an earlier word is free.
    private var firstWord = 0
    private(set) var takenCount = 0

    init(limit: Int = StreamIDAllocator.all) {
        precondition((1...Self.all).contains(limit), "a connection has 1 to 32,768 streams")
        self.limit = limit
    }

    var isFull: Bool { self.takenCount == self.limit }

    /// Nil when all are taken.
    mutating func take() -> Int16? {
        guard !self.isFull else { return nil }
        while self.firstWord < self.words.count, self.words[self.firstWord] == .max { self.firstWord += 1 }
        if self.firstWord == self.words.count { self.words.append(0) }
        let bit = (~self.words[self.firstWord]).trailingZeroBitCount
        let stream = self.firstWord * 64 + bit
        // The lowest free one is below the limit as long as fewer than that are taken.
        self.words[self.firstWord] |= 1 << UInt64(bit)
        self.takenCount += 1
        return Int16(stream)
    }

    mutating func giveBack(_ stream: Int16) {
        let (word, bit) = (Int(stream) / 64, UInt64(stream) % 64)
        precondition(self.words[word] & 1 << bit != 0, "a stream was given back that nobody had")
        self.words[word] &= ~(1 << bit)
        self.firstWord = min(self.firstWord, word)
        self.takenCount -= 1
    }
}
