internal import TimingleNet

/// One line a request: what, from where, with which outcome, how long.
///
/// Never a query, a body or a token.
struct AccessLog: Filter {
    func leave(_ response: inout HTTPResponse, _ request: HTTPRequest, _ context: RequestContext) {
        let path = request.path
        let isProbe = path == "/health" || path == "/livez" || path == "/readyz" || path == "/healthz"
        let duration = context.receivedAt.duration(to: .now).components
        let microseconds = duration.seconds * 1_000_000 + duration.attoseconds / 1_000_000_000_000
        let client = context.attachment(ClientAddress.self)
        let pairs: Log.Pairs = [
            "method": .text(String(request.method.rawValue.prefix(16))),
            "path": .text(String(path.prefix(200))),
            "status": .number(Int64(response.status.code)),
            "duration_us": .number(microseconds),
            "address": .text(client?.text ?? ""),
            "scheme": .text(client?.scheme ?? ""),
        ]
        if isProbe && response.status.code < 300 {
            context.log.debug("request", pairs)
        } else {
            context.log.info("request", pairs)
        }
    }
}
