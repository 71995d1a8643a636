import TimingleCore
import TimingleNet

/// What the tests of this target ask, and of whom.
enum ServerRequest {
    static func context(log: Log = .silent) throws -> RequestContext {
        RequestContext(loop: try EventLoop(), requestID: "made-here", log: log)
    }

    static func get(_ target: String, _ fields: HTTPFields = HTTPFields(), from peer: String = "192.0.2.1")
        -> HTTPRequest
    {
        HTTPRequest(
            method: .get,
            target: target,
            fields: fields,
            peerAddress: SocketAddress(parsing: peer, port: 1) ?? .unspecified
        )
    }
}

extension HTTPResponse {
    var bodyBytes: [UInt8] {
        guard case .bytes(let bytes) = self.body else { return [] }
        return bytes
    }

    var bodyText: String { String(decoding: self.bodyBytes, as: UTF8.self) }

    /// A member of the error object.
    func error(_ name: String) -> String? {
        guard
            case .object(let body) = try? JSONReader.parse(self.bodyBytes),
            case .object(let error) = body["error"],
            case .string(let text) = error[name]
        else { return nil }
        return text
    }
}
