/// A status code and its reason phrase (RFC 9110 section 15).
///
/// Immutable; equal when the codes are.
package struct HTTPStatus: Hashable, Sendable, CustomStringConvertible {
    package let code: Int

    package init(code: Int) {
        precondition((100...999).contains(code), "a status code has three digits")
        self.code = code
    }

    /// The usual phrase, or an empty one.
    package var reason: String { Self.phrases[self.code] ?? "" }

    package static func == (left: HTTPStatus, right: HTTPStatus) -> Bool { left.code == right.code }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.code) }

    package var description: String { "\(self.code) \(self.reason)" }

    /// True where RFC 9110 forbids content: 1xx, 204, 304.
    package var forbidsContent: Bool { self.code < 200 || self.code == 204 || self.code == 304 }

    package static var `continue`: HTTPStatus { HTTPStatus(code: 100) }
    package static var switchingProtocols: HTTPStatus { HTTPStatus(code: 101) }
    package static var ok: HTTPStatus { HTTPStatus(code: 200) }
    package static var created: HTTPStatus { HTTPStatus(code: 201) }
    package static var accepted: HTTPStatus { HTTPStatus(code: 202) }
    package static var noContent: HTTPStatus { HTTPStatus(code: 204) }
    package static var resetContent: HTTPStatus { HTTPStatus(code: 205) }
    package static var partialContent: HTTPStatus { HTTPStatus(code: 206) }
    package static var movedPermanently: HTTPStatus { HTTPStatus(code: 301) }
    package static var found: HTTPStatus { HTTPStatus(code: 302) }
    package static var seeOther: HTTPStatus { HTTPStatus(code: 303) }
    package static var notModified: HTTPStatus { HTTPStatus(code: 304) }
    package static var temporaryRedirect: HTTPStatus { HTTPStatus(code: 307) }
    package static var permanentRedirect: HTTPStatus { HTTPStatus(code: 308) }
    package static var badRequest: HTTPStatus { HTTPStatus(code: 400) }
    package static var unauthorized: HTTPStatus { HTTPStatus(code: 401) }
    package static var forbidden: HTTPStatus { HTTPStatus(code: 403) }
    package static var notFound: HTTPStatus { HTTPStatus(code: 404) }
    package static var methodNotAllowed: HTTPStatus { HTTPStatus(code: 405) }
    package static var notAcceptable: HTTPStatus { HTTPStatus(code: 406) }
    package static var requestTimeout: HTTPStatus { HTTPStatus(code: 408) }
    package static var conflict: HTTPStatus { HTTPStatus(code: 409) }
    package static var gone: HTTPStatus { HTTPStatus(code: 410) }
    package static var lengthRequired: HTTPStatus { HTTPStatus(code: 411) }
    package static var preconditionFailed: HTTPStatus { HTTPStatus(code: 412) }
    package static var contentTooLarge: HTTPStatus { HTTPStatus(code: 413) }
    package static var uriTooLong: HTTPStatus { HTTPStatus(code: 414) }
    package static var unsupportedMediaType: HTTPStatus { HTTPStatus(code: 415) }
    package static var rangeNotSatisfiable: HTTPStatus { HTTPStatus(code: 416) }
    package static var expectationFailed: HTTPStatus { HTTPStatus(code: 417) }
    package static var unprocessableContent: HTTPStatus { HTTPStatus(code: 422) }
    package static var locked: HTTPStatus { HTTPStatus(code: 423) }
    package static var tooEarly: HTTPStatus { HTTPStatus(code: 425) }
    package static var upgradeRequired: HTTPStatus { HTTPStatus(code: 426) }
    package static var preconditionRequired: HTTPStatus { HTTPStatus(code: 428) }
    package static var tooManyRequests: HTTPStatus { HTTPStatus(code: 429) }
    package static var requestHeaderFieldsTooLarge: HTTPStatus { HTTPStatus(code: 431) }
    package static var internalServerError: HTTPStatus { HTTPStatus(code: 500) }
    package static var notImplemented: HTTPStatus { HTTPStatus(code: 501) }
    package static var badGateway: HTTPStatus { HTTPStatus(code: 502) }
    package static var serviceUnavailable: HTTPStatus { HTTPStatus(code: 503) }
    package static var gatewayTimeout: HTTPStatus { HTTPStatus(code: 504) }
    package static var httpVersionNotSupported: HTTPStatus { HTTPStatus(code: 505) }

    /// Version, code and phrase of the most frequent answers, so that these are not put together each time.
    var statusLine: StaticString? {
        switch self.code {
        case 101: return "HTTP/1.1 101 Switching Protocols\r\n"
        case 200: return "HTTP/1.1 200 OK\r\n"
        case 201: return "HTTP/1.1 201 Created\r\n"
        case 204: return "HTTP/1.1 204 No Content\r\n"
        case 304: return "HTTP/1.1 304 Not Modified\r\n"
        case 400: return "HTTP/1.1 400 Bad Request\r\n"
        case 401: return "HTTP/1.1 401 Unauthorized\r\n"
        case 404: return "HTTP/1.1 404 Not Found\r\n"
        default: return nil
        }
    }

    private static let phrases: [Int: String] = [
        100: "Continue", 101: "Switching Protocols",
        200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 205: "Reset Content", 206: "Partial Content",
        301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
        307: "Temporary Redirect", 308: "Permanent Redirect",
        400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
        405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
        411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large", 414: "URI Too Long",
        415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
        421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked", 425: "Too Early",
        426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
        431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
        500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
        504: "Gateway Timeout", 505: "HTTP Version Not Supported",
    ]
}
