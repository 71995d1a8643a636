/// Why bytes of a peer could not be read or written as what they should be.
@usableFromInline
package enum WireError: Error, Equatable, Sendable {
    /// The bytes end before the value does.
    case truncated
    /// The bytes cannot mean anything there; the text says what they were read as.
    case malformed(StaticString)
    /// A length or count is beyond what its reader allows; the text says which.
    case limitExceeded(StaticString)

    @inlinable
    package static func == (left: WireError, right: WireError) -> Bool {
        switch (left, right) {
        case (.truncated, .truncated): true
        case (.malformed(let one), .malformed(let other)): one.description == other.description
        case (.limitExceeded(let one), .limitExceeded(let other)): one.description == other.description
        case (.truncated, _), (.malformed, _), (.limitExceeded, _): false
        }
    }
}
