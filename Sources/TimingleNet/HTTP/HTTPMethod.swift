/// A request method (RFC 9110 section 9): case-sensitive, any token.
///
/// Immutable.
package enum HTTPMethod: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    case get
    case head
    case post
    case put
    case patch
    case delete
    case options
    case connect
    case trace
    /// Any other token; never one of those above.
    case other(String)

    package init(rawValue: String) {
        switch rawValue {
        case "GET": self = .get
        case "HEAD": self = .head
        case "POST": self = .post
        case "PUT": self = .put
        case "PATCH": self = .patch
        case "DELETE": self = .delete
        case "OPTIONS": self = .options
        case "CONNECT": self = .connect
        case "TRACE": self = .trace
        default: self = .other(rawValue)
        }
    }

    package var rawValue: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other(let token): token
        }
    }

    /// True for the methods of RFC 9110 and PATCH; any other is answered 501, not 405.
    package var isKnown: Bool {
        if case .other = self { false } else { true }
    }

    package var description: String { self.rawValue }

    // RawRepresentable's own would compare the strings.
    @inline(__always)
    package static func == (left: HTTPMethod, right: HTTPMethod) -> Bool {
        switch (left, right) {
        case (.get, .get), (.head, .head), (.post, .post), (.put, .put), (.patch, .patch), (.delete, .delete),
            (.options, .options), (.connect, .connect), (.trace, .trace):
            true
        case (.other(let one), .other(let another)): one == another
        default: false
        }
    }
}
