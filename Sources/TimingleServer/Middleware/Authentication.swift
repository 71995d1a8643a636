internal import TimingleCore
internal import TimingleNet

/// Lets in who shows a good access token, and tells those further in who that is.
struct Authentication: Middleware {
    let auth: AuthService
    /// Where the credential stands in a request.
    let credential: @Sendable (HTTPRequest) -> String?

    init(
        auth: AuthService,
        credential: @escaping @Sendable (HTTPRequest) -> String? = { BearerToken.parse($0.fields["Authorization"]) }
    ) {
        self.auth = auth
        self.credential = credential
    }

    func handle(_ request: HTTPRequest, _ context: RequestContext, next: HTTPHandler) async throws -> HTTPResponse {
        guard let token = self.credential(request) else { throw ServiceError.tokenMissing }
        let user = try await self.auth.authenticate(accessToken: token)
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
