/// Why a request was refused before any handler saw it; each cause has its status.
package enum HTTPParseError: Error, Equatable, Sendable, CaseIterable {
    case badRequestLine
    case badMethod
    case methodTooLong
    case badTarget
    case badVersion
    case unsupportedVersion
    case http2Preface
    case bareLineFeed
    case bareCarriageReturn
    case forbiddenByte
    case badFieldName
    case whitespaceBeforeColon
    case lineFolding
    case missingHost
    case badHost
    case lengthRequired
    case badContentLength
    case conflictingLength
    case badTransferEncoding
    case unknownTransferCoding
    case badChunk
    case badTrailer
    case trailerTooLarge
    case badConnectionField
    case badExpectation
    case requestLineTooLong
    case fieldSectionTooLarge
    case tooManyFields
    case bodyTooLarge
    case headTimeout
    case bodyTimeout
    case handlerFailed
    case overloaded
    case tooManyConnections
    case draining
    case bodiesTooLarge

    package var status: HTTPStatus {
        switch self {
        case .unsupportedVersion, .http2Preface: .httpVersionNotSupported
        case .methodTooLong, .unknownTransferCoding: .notImplemented
        case .lengthRequired: .lengthRequired
        case .badExpectation: .expectationFailed
        case .requestLineTooLong: .uriTooLong
        case .fieldSectionTooLarge, .tooManyFields, .trailerTooLarge: .requestHeaderFieldsTooLarge
        case .bodyTooLarge: .contentTooLarge
        case .headTimeout, .bodyTimeout: .requestTimeout
        case .handlerFailed: .internalServerError
        case .tooManyConnections: .tooManyRequests
        case .overloaded, .draining, .bodiesTooLarge: .serviceUnavailable
        case .badRequestLine, .badMethod, .badTarget, .badVersion, .bareLineFeed, .bareCarriageReturn,
            .forbiddenByte, .badFieldName, .whitespaceBeforeColon, .lineFolding, .missingHost, .badHost,
            .badContentLength, .conflictingLength, .badTransferEncoding, .badChunk, .badTrailer,
            .badConnectionField:
            .badRequest
        }
    }

    /// A sentence for the peer; says nothing that the peer did not send.
    package var reason: String {
        switch self {
        case .badRequestLine: "The request line is malformed."
        case .badMethod: "The method is not a token."
        case .methodTooLong: "The method is longer than any that is known here."
        case .badTarget: "The request target is malformed."
        case .badVersion: "The protocol version is malformed."
        case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are spoken here."
        case .http2Preface: "HTTP/2 is not spoken here."
        case .bareLineFeed: "A line ends in LF without CR."
        case .bareCarriageReturn: "A CR is not followed by LF."
        case .forbiddenByte: "A control character is not allowed here."
        case .badFieldName: "A field name is not a token."
        case .whitespaceBeforeColon: "Whitespace is not allowed before the colon of a field."
        case .lineFolding: "Folded field lines are not allowed."
        case .missingHost: "The Host field is missing or repeated."
        case .badHost: "The Host field is malformed."
        case .lengthRequired: "The length of the body is not stated."
        case .badContentLength: "The Content-Length field is malformed."
        case .conflictingLength: "The length of the body is stated in two ways."
        case .badTransferEncoding: "The Transfer-Encoding field is malformed."
        case .unknownTransferCoding: "Only the chunked transfer coding is understood."
        case .badChunk: "A chunk is malformed."
        case .badTrailer: "The trailer section is malformed."
        case .trailerTooLarge: "The trailer section is too large."
        case .badConnectionField: "The Connection field is malformed."
        case .badExpectation: "The expectation cannot be met."
        case .requestLineTooLong: "The request line is too long."
        case .fieldSectionTooLarge: "The field section is too large."
        case .tooManyFields: "There are too many fields."
        case .bodyTooLarge: "The body is too large."
        case .headTimeout: "The request head did not arrive in time."
        case .bodyTimeout: "The request body did not arrive in time."
        case .handlerFailed: "The request could not be handled."
        case .overloaded: "The server has too many connections."
        case .tooManyConnections: "Too many connections come from this address."
        case .draining: "The server is going down; please connect again."
        case .bodiesTooLarge: "The server is busy with other large requests."
        }
    }
}
