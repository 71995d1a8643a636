internal import TimingleCore
internal import TimingleNet

/// Lets in who shows a good access token or ticket, and tells those further in who that is.
struct Authentication: Middleware {
    let auth: AuthService
    /// Where the credential stands in a request.
    let credential: @Sendable (HTTPRequest) throws(ServiceError) -> Credential?

    init(
        auth: AuthService,
        credential: @escaping @Sendable (HTTPRequest) throws(ServiceError) -> Credential? = { request in
            BearerToken.parse(request.fields["Authorization"]).map { .accessToken($0) }
        }
    ) {
        self.auth = auth
        self.credential = credential
    }

    func handle(_ request: HTTPRequest, _ context: RequestContext, next: HTTPHandler) async throws -> HTTPResponse {
        let user: User
        switch try self.credential(request) {
        case .accessToken(let token)?: user = try await self.auth.authenticate(accessToken: token)
        case .ticket(let ticket)?: user = try await self.auth.authenticate(ticket: ticket)
        case nil: throw ServiceError.tokenMissing
        }
        var context = context
        context.attach(Identity(user: user))
        do {
            return try await next(request, context)
        } catch {
            var annotated = AnnotatedError(error)
            annotated.language = user.spokenLanguage
            throw annotated
        }
    }
}
