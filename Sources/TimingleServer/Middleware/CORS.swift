internal import TimingleNet

/// Lets browsers of listed origins call (the Fetch standard's CORS protocol).
///
/// Immutable.
///
/// `*` allows every origin, but then no credentials. Where any origin is listed, all answers say by Vary that they hang
/// on Origin, also those to requests without it or from elsewhere: a cache must not give these to who may call.
struct CORS: Filter {
    private let origins: Set<String>
    private let allowsAll: Bool

    init(origins: [String]) {
        self.origins = Set(origins)
        self.allowsAll = origins.contains("*")
    }

    func enter(_ request: inout HTTPRequest, _ context: inout RequestContext) -> HTTPResponse? {
        guard
            request.method == .options,
            request.fields.contains("Access-Control-Request-Method"),
            let origin = request.fields["Origin"]
        else { return nil }
        var response = HTTPResponse(.noContent)
        self.vary(&response)
        if self.isAllowed(origin) {
            self.allow(origin, &response)
            response.fields["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
            response.fields["Access-Control-Allow-Headers"] =
                "Authorization, Content-Type, Accept-Language, X-Request-Id, X-Requested-With"
            response.fields["Access-Control-Max-Age"] = "600"
        }
        return response
    }

    func leave(_ response: inout HTTPResponse, _ request: HTTPRequest, _ context: RequestContext) {
        self.vary(&response)
        guard let origin = request.fields["Origin"], self.isAllowed(origin) else { return }
        self.allow(origin, &response)
        response.fields["Access-Control-Expose-Headers"] =
            "X-Request-Id, X-Total-Count, X-Page, X-Limit, X-RateLimit-Limit, X-RateLimit-Remaining, "
            + "X-RateLimit-Reset, Retry-After"
    }

    private func isAllowed(_ origin: String) -> Bool { self.allowsAll || self.origins.contains(origin) }

    private func vary(_ response: inout HTTPResponse) {
        if !self.origins.isEmpty { response.fields.vary(on: "Origin") }
    }

    private func allow(_ origin: String, _ response: inout HTTPResponse) {
        if self.allowsAll {
            response.fields["Access-Control-Allow-Origin"] = "*"
        } else {
            response.fields["Access-Control-Allow-Origin"] = origin
            response.fields["Access-Control-Allow-Credentials"] = "true"
        }
    }
}
