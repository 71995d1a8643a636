#if canImport(TimingleTestSupport)
internal import TimingleTestSupport
#endif

/// Something that takes bytes of strangers, and what must hold whatever they are.
///
/// Immutable. libFuzzer looks for inputs that break it (`make fuzz`), `FuzzCorpusTests` repeats those that are kept.
struct FuzzTarget: Sendable {
    /// Also the folder of its inputs in `Corpus`.
    let name: String
    let check: @Sendable (FuzzInput) throws -> Void

    static let all = [
        FuzzTarget(name: "HTTPRequest", check: HTTPRequestFuzz.check),
        FuzzTarget(name: "HTTPBody", check: HTTPBodyFuzz.check),
        FuzzTarget(name: "WebSocketFrames", check: WebSocketFramesFuzz.check),
        FuzzTarget(name: "CompressedMessages", check: CompressedMessagesFuzz.check),
        FuzzTarget(name: "ExtensionOffers", check: ExtensionOffersFuzz.check),
        FuzzTarget(name: "UTF8", check: UTF8Fuzz.check),
        FuzzTarget(name: "Inflate", check: InflateFuzz.check),
        FuzzTarget(name: "Deflate", check: DeflateFuzz.check),
        FuzzTarget(name: "ByteRange", check: ByteRangeFuzz.check),
        FuzzTarget(name: "EntityTag", check: EntityTagFuzz.check),
        FuzzTarget(name: "Date", check: DateFuzz.check),
        FuzzTarget(name: "ProxyHeader", check: ProxyHeaderFuzz.check),
        FuzzTarget(name: "CQLFrames", check: CQLFramesFuzz.check),
        FuzzTarget(name: "CQLValues", check: CQLValuesFuzz.check),
    ]
}

/// A claim that an input broke.
struct FuzzFinding: Error, CustomStringConvertible {
    let description: String

    /// Throws when the condition does not hold; `claim` says what should.
    static func unless(_ condition: Bool, _ claim: @autoclosure () -> String) throws {
        guard condition else { throw FuzzFinding(description: claim()) }
    }
}

/// The bytes to look at, and one byte that chooses limits, settings and where the rest is cut.
///
/// Immutable.
struct FuzzInput: Sendable {
    let choice: UInt8
    let bytes: [UInt8]

    /// Takes raw input apart; nothing is left for a target when it is empty.
    init?(_ raw: [UInt8]) {
        guard let first = raw.first else { return nil }
        self.choice = first
        self.bytes = Array(raw.dropFirst())
    }

    /// Where the bytes are cut, ascending, up to their end; few cuts in long inputs.
    var cuts: [Int] {
        var generator = SeededGenerator(seed: UInt64(self.choice))
        let longest = max(1, self.bytes.count / 32)
        var cuts: [Int] = []
        var at = 0
        while at < self.bytes.count {
            at = min(self.bytes.count, at + Int.random(in: 1...(longest + 6), using: &generator))
            cuts.append(at)
        }
        return cuts
    }

    /// The bytes in pieces.
    var chunks: [[UInt8]] {
        var start = 0
        return self.cuts.map { end in
            defer { start = end }
            return Array(self.bytes[start..<end])
        }
    }
}
