internal import TimingleNet

/// The few things that the bare listener answers.
struct BareRoutes: Sendable {
    let rooms: RoomFanout
    let group: EventLoopGroup

    func responder() -> HTTPResponder {
        var router = Router()
        router.on(.get, "/echo") { _, _ in .upgrade(WebSocketUpgrade { EchoSocket() }) }
        // The same answer by a handler that may wait, so that both kinds can be measured.
        router.on(.get, "/async") { _, _ in Self.hello }
        router.onImmediate(.get, "/hello") { _, _ in Self.hello }
        let (rooms, group) = (self.rooms, self.group)
        router.onImmediate(.get, "/{rest...}") { request, _ in
            guard let room = request.query.first("event_id").flatMap({ Int64($0) }) else { return Self.hello }
            return .upgrade(WebSocketUpgrade(home: group.home(of: room)) { RoomSocket(room: room, rooms: rooms) })
        }
        return router.frozen(
            middleware: [],
            notFound: { _, _ in HTTPResponse(.notFound) },
            methodNotAllowed: { _ in HTTPResponse(.methodNotAllowed) }
        )
    }

    /// 15 bytes.
    private static let hello = HTTPResponse(
        .ok,
        fields: ["Content-Type": "application/json"],
        body: .bytes(Array(#"{"hello":"you"}"#.utf8))
    )
}
