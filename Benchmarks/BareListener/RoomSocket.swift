internal import TimingleNet

/// A member of one room: what it says goes to all members, itself included.
///
/// Loop-confined.
final class RoomSocket: WebSocketHandler {
    private let room: Int64
    private let rooms: RoomFanout
    private var membership: RoomMembership?

    init(room: Int64, rooms: RoomFanout) {
        self.room = room
        self.rooms = rooms
    }

    func opened(_ socket: WebSocketConnection) {
        self.membership = self.rooms.join(room: self.room, socket)
    }

    func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {
        self.rooms.publish(text: text, to: self.room)
    }

    func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {
        socket.close(.unsupportedData, reason: "text only")
    }

    func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {
        if let membership = self.membership { self.rooms.leave(membership) }
    }
}
