internal import TimingleCore
internal import TimingleNet

/// Who makes a request, proven by an access token.
///
/// Immutable.
struct Identity: Sendable {
    let user: User
}

extension RequestContext {
    /// The signed-in user; a route without Authentication around it is our own bug.
    var user: User {
        get throws(ServiceError) {
            guard let identity = self.attachment(Identity.self) else { throw ServiceError.tokenMissing }
            return identity.user
        }
    }

    /// The signed-in user as services and evidence know them.
    func requester(_ request: HTTPRequest) throws(ServiceError) -> Requester {
        let user = try self.user
        return Requester(
            userID: user.id,
            name: user.shownName,
            profileImageURL: user.profileImageURL,
            role: user.role,
            language: user.spokenLanguage,
            ipAddress: self.clientAddress,
            userAgent: request.fields["User-Agent"].map { String($0.prefix(512)) }
        )
    }

    var clientAddress: String { self.attachment(ClientAddress.self)?.text ?? "" }
    var clientNetwork: String { self.attachment(ClientAddress.self)?.network ?? "" }
}

extension ServiceError {
    static let tokenMissing = ServiceError(
        .unauthenticated,
        code: "AUTH_TOKEN_MISSING",
        ko: "로그인이 필요합니다.",
        en: "Please sign in: the access token is missing."
    )
}

/// What proves who makes a request.
enum Credential: Sendable, Equatable {
    case accessToken(String)
    /// Good for one socket.
    case ticket(String)
}

/// The credential of `Authorization: Bearer <token>` (RFC 6750), read with the tolerance that old clients need.
enum BearerToken {
    /// The scheme in any case, any number of spaces; nil when there is no such credential.
    static func parse(_ field: String?) -> String? {
        guard let field, field.utf8.count <= 8_192 else { return nil }
        let parts = field.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    /// How a socket's request is let in: by the token of its header or sub-protocol, else by a ticket in its URL.
    static func forSocket(_ request: HTTPRequest) throws(ServiceError) -> Credential? {
        if let token = Self.socketToken(request) { return .accessToken(token) }
        return try request.queryText("ticket").map { .ticket($0) }
    }

    /// The token of the header, or of the sub-protocol pair `Bearer, <token>` of those who cannot set a header.
    private static func socketToken(_ request: HTTPRequest) -> String? {
        if let token = Self.parse(request.fields["Authorization"]) { return token }
        let offered = request.fields.members("Sec-WebSocket-Protocol")
        guard
            let index = offered.firstIndex(where: { $0.lowercased() == "bearer" }),
            offered.indices.contains(index + 1)
        else { return nil }
        return offered[index + 1]
    }
}
