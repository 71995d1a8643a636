internal import TimingleNet

/// Lets browsers of listed origins call (the Fetch standard's CORS protocol).
///
/// Immutable.
///
/// `*` allows every origin, but then no credentials.
struct CORS: Middleware {
    private let origins: Set<String>
    private let allowsAll: Bool

    init(origins: [String]) {
        self.origins = Set(origins)
        self.allowsAll = origins.contains("*")
    }

    func handle(_ request: HTTPRequest, _ context: RequestContext, next: HTTPHandler) async throws -> HTTPResponse {
        guard let origin = request.fields["Origin"] else { return try await next(request, context) }
        let isAllowed = self.allowsAll || self.origins.contains(origin)
        if request.method == .options, request.fields.contains("Access-Control-Request-Method") {
            var response = HTTPResponse(.noContent)
            if isAllowed {
                self.allow(origin, &response)
                response.fields["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
                response.fields["Access-Control-Allow-Headers"] =
                    "Authorization, Content-Type, Accept-Language, X-Request-Id, X-Requested-With"
                response.fields["Access-Control-Max-Age"] = "600"
            }
            return response
        }
        var response = try await next(request, context)
        if isAllowed {
            self.allow(origin, &response)
            response.fields["Access-Control-Expose-Headers"] =
                "X-Request-Id, X-Total-Count, X-Page, X-Limit, X-RateLimit-Limit, X-RateLimit-Remaining, "
                + "X-RateLimit-Reset, Retry-After"
        }
        return response
    }

    private func allow(_ origin: String, _ response: inout HTTPResponse) {
        response.fields.append("Vary", "Origin")
        if self.allowsAll {
            response.fields["Access-Control-Allow-Origin"] = "*"
        } else {
            response.fields["Access-Control-Allow-Origin"] = origin
            response.fields["Access-Control-Allow-Credentials"] = "true"
        }
    }
}
