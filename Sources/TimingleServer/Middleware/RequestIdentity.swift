internal import TimingleNet

/// Gives each request its id and its client's address, and puts the fields on the answer that all answers have.
struct RequestIdentity: Filter {
    let proxyTrust: ProxyTrust

    func enter(_ request: inout HTTPRequest, _ context: inout RequestContext) -> HTTPResponse? {
        if let given = request.fields["X-Request-Id"], Self.isSane(given) { context.requestID = given }
        context.attach(ClientAddress(request, self.proxyTrust))
        return nil
    }

    func leave(_ response: inout HTTPResponse, _ request: HTTPRequest, _ context: RequestContext) {
        response.fields["X-Request-Id"] = context.requestID
        response.fields["X-Content-Type-Options"] = "nosniff"
        if !response.fields.contains("Cache-Control") { response.fields["Cache-Control"] = "no-store" }
    }

    /// What may go into our log and back to the client as it is.
    static func isSane(_ id: String) -> Bool {
        1...64 ~= id.utf8.count
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
