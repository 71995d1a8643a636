internal import TimingleCore
internal import TimingleNet

/// Who people are: `contract.md` 1.2 and 1.3.
struct AuthHandlers: Sendable {
    let auth: AuthService

    func sendCode(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.jsonBody()
        let language = AcceptLanguage.preferred(request.fields["Accept-Language"]) ?? .korean
        let verification = try await self.auth.sendCode(
            phone: try body.string("phone"),
            // Codes are counted by it.
            ipAddress: context.clientNetwork,
            language: language
        )
        return .json(.ok) { writer in
            writer.field("verification_id", verification.verificationID)
            writer.field("expires_at", verification.expiresAt)
            writer.field("message", Words.codeSent[language])
        }
    }

    func verifyCode(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.jsonBody()
        let result = try await self.auth.verifyCode(
            verificationID: try body.string("verification_id"),
            code: try body.string("code"),
            ipAddress: context.clientAddress,
            profile: try Self.profile(body)
        )
        return .json(.ok) { $0.authFields(result) }
    }

    func register(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.jsonBody()
        let result = try await self.auth.register(
            phone: try body.string("phone"),
            name: try body.string("name"),
            verification: try Self.verification(body),
            profile: try Self.profile(body),
            ipAddress: context.clientAddress
        )
        // 201 also when a known phone signed in (D8): the oldest client tests for exactly that.
        return .json(.created) { $0.authFields(result) }
    }

    func login(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.jsonBody()
        let result = try await self.auth.login(
            phone: try body.string("phone"),
            verification: try Self.verification(body),
            ipAddress: context.clientAddress
        )
        return .json(.ok) { $0.authFields(result) }
    }

    func refresh(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.jsonBody()
        let result = try await self.auth.refresh(refreshToken: try body.string("refresh_token"))
        return .json(.ok) { $0.authFields(result) }
    }

    func logout(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let body = try request.optionalJSONBody()
        let user = try context.user
        try await self.auth.logout(userID: user.id, refreshToken: try body.optionalString("refresh_token"))
        return .json(.ok) { $0.field("message", Words.loggedOut[context.language(request)]) }
    }

    func issueTicket(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let ticket = try await self.auth.issueTicket(userID: try context.user.id)
        return .json(.ok) { writer in
            writer.field("ticket", ticket.text)
            writer.field("expires_in", ticket.lifetime.components.seconds)
        }
    }

    func me(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let user = try await self.auth.me(userID: try context.user.id)
        return .json(.ok) { $0.ownUserFields(user) }
    }

    func updateMe(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let patch = try Self.patch(try request.jsonBody())
        let user = try await self.auth.updateMe(userID: try context.user.id, patch: patch)
        return .json(.ok) { $0.ownUserFields(user) }
    }

    func user(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let user = try await self.auth.publicProfile(userID: try context.userID("id"))
        return .json(.ok) { $0.publicUserFields(user) }
    }

    /// Both or neither: half a proof is a mistake that must not pass for none.
    private static func verification(_ body: JSONFields) throws(ServiceError) -> (id: String, code: String)? {
        let id = try body.optionalString("verification_id")
        let code = try body.optionalString("code")
        switch (id, code) {
        case (nil, nil): return nil
        case (let id?, let code?): return (id, code)
        case (nil, _?): throw .missingField("verification_id")
        case (_?, nil): throw .missingField("code")
        }
    }

    private static func profile(_ body: JSONFields) throws(ServiceError) -> RegistrationProfile {
        RegistrationProfile(
            name: try body.optionalString("name"),
            timezone: try body.optionalString("timezone"),
            language: try body.optionalString("language")
        )
    }

    private static func patch(_ body: JSONFields) throws(ServiceError) -> UserPatch {
        var patch = UserPatch()
        patch.name = try body.optionalString("name")
        if body.contains("display_name") { patch.displayName = .some(try body.optionalString("display_name")) }
        if body.contains("email") { patch.email = .some(try body.optionalString("email")) }
        if body.contains("profile_image_url") {
            patch.profileImageURL = .some(try body.optionalString("profile_image_url"))
        }
        if body.contains("region") { patch.region = .some(try body.optionalString("region")) }
        patch.interests =
            body.contains("interests") ? try body.optionalStrings("interests", countMax: 100) ?? [] : nil
        patch.timezone = try body.optionalString("timezone")
        patch.language = try body.optionalString("language")
        return patch
    }
}
