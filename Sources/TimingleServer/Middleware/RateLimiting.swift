internal import TimingleCore
internal import TimingleNet

/// Counts requests by caller or by address, says how many are left, and refuses beyond.
///
/// A counter that is away lets everything through.
struct RateLimiting: Middleware {
    /// Whom a request counts for.
    enum Subject: Sendable {
        /// The signed-in user; business users have a limit of their own.
        ///
        /// Needs Authentication outside of it.
        case user(RateLimit, business: RateLimit)
        /// The client's address.
        case address(scope: String, RateLimit)
    }

    let limiter: any RateLimiter
    let clock: any WallClock
    let subject: Subject

    func handle(_ request: HTTPRequest, _ context: RequestContext, next: HTTPHandler) async throws -> HTTPResponse {
        guard let verdict = await self.verdict(context) else { return try await next(request, context) }
        let fields: [(String, String)] = [
            ("X-RateLimit-Limit", String(verdict.limit)),
            ("X-RateLimit-Remaining", String(max(0, verdict.remaining))),
            ("X-RateLimit-Reset", String(verdict.resetAt)),
        ]
        do {
            guard verdict.allowed else {
                let now = self.clock.now().milliseconds
                let wait = (verdict.resetAt.multipliedReportingOverflow(by: 1_000).partialValue - now + 999) / 1_000
                throw ServiceError.rateLimited(retryAfterSeconds: max(1, wait))
            }
            var response = try await next(request, context)
            for (name, value) in fields { response.fields[name] = value }
            return response
        } catch {
            var annotated = AnnotatedError(error)
            for (name, value) in fields { annotated.fields[name] = value }
            throw annotated
        }
    }

    private func verdict(_ context: RequestContext) async -> RateLimitVerdict? {
        switch self.subject {
        case .user(let limit, let business):
            guard let user = context.attachment(Identity.self)?.user else { return nil }
            return await self.limiter.take(
                scope: "user",
                subject: String(user.id.rawValue),
                limit: user.role == .business ? business : limit,
                now: self.clock.now()
            )
        case .address(let scope, let limit):
            guard let address = context.attachment(ClientAddress.self)?.network else { return nil }
            return await self.limiter.take(scope: scope, subject: address, limit: limit, now: self.clock.now())
        }
    }
}
