/// Checks the extensions of one chunk, byte by byte (RFC 9112 section 7.1.1); what they say has no meaning here.
///
/// A value.
///
/// Whitespace around `;` and `=` is allowed, as the grammar says, but only where one of them follows or went before.
struct HTTPChunkExtensions: Equatable {
    private enum State: Equatable {
        /// Behind the size or a value: only `;` or the end may follow whitespace.
        case behind
        case nameStart
        case name
        case behindName
        case valueStart
        case token
        case quoted
        case escaped
        case quotedEnd
    }

    private var state: State
    private(set) var count = 1

    /// Begins behind the byte that ended the size: `;` or whitespace; nil for any other.
    init?(first byte: UInt8) {
        switch byte {
        case UInt8(ascii: ";"): self.state = .nameStart
        case UInt8(ascii: " "), UInt8(ascii: "\t"): self.state = .behind
        default: return nil
        }
    }

    /// True where the line may end.
    var isComplete: Bool {
        switch self.state {
        case .name, .token, .quotedEnd: true
        case .behind, .nameStart, .behindName, .valueStart, .quoted, .escaped: false
        }
    }

    /// Takes one byte; false when it must not be there.
    mutating func take(_ byte: UInt8) -> Bool {
        self.count += 1
        guard let next = self.next(byte) else { return false }
        self.state = next
        return true
    }

    private func next(_ byte: UInt8) -> State? {
        let isSpace = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
        let isToken = HTTPByteClass.isToken(byte)
        switch self.state {
        case .behind:
            return isSpace ? .behind : byte == UInt8(ascii: ";") ? .nameStart : nil
        case .nameStart:
            return isSpace ? .nameStart : isToken ? .name : nil
        case .name where isToken:
            return .name
        case .name, .behindName:
            switch byte {
            case UInt8(ascii: "="): return .valueStart
            case UInt8(ascii: ";"): return .nameStart
            default: return isSpace ? .behindName : nil
            }
        case .valueStart:
            return isSpace ? .valueStart : byte == UInt8(ascii: "\"") ? .quoted : isToken ? .token : nil
        case .token where isToken:
            return .token
        case .token, .quotedEnd:
            return isSpace ? .behind : byte == UInt8(ascii: ";") ? .nameStart : nil
        case .quoted:
            switch byte {
            case UInt8(ascii: "\""): return .quotedEnd
            case UInt8(ascii: "\\"): return .escaped
            default: return HTTPByteClass.isFieldValue(byte) ? .quoted : nil
            }
        case .escaped:
            return HTTPByteClass.isFieldValue(byte) ? .quoted : nil
        }
    }
}
