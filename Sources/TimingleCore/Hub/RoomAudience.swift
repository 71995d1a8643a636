package import TimingleNet

/// The members of rooms on all loops of this process.
///
/// Any thread; a publication never waits.
package protocol RoomAudience: Sendable {
    /// Hands one message, which is UTF-8, to all members.
    func publish(text: [UInt8], to room: Int64)
    func memberCount(room: Int64) -> Int
    /// The chat's view of one socket; on the socket's loop.
    func peer(for socket: WebSocketConnection) -> any ChatPeer
}

extension RoomFanout: RoomAudience {
    package func publish(text: [UInt8], to room: Int64) { self.publish(text: text.span, to: room) }

    package func peer(for socket: WebSocketConnection) -> any ChatPeer {
        WebSocketPeer(socket: socket, fanout: self)
    }
}

/// One client's socket as the chat sees it.
///
/// Loop-confined.
package protocol ChatPeer: AnyObject {
    var loop: EventLoop { get }
    func send(_ frame: BroadcastFrame)
    func close(_ code: WebSocketCloseCode, reason: String)
    /// From now on the room's publications reach this peer.
    func join(room: Int64)
    func leave()
}

/// A chat peer over a WebSocket.
///
/// Loop-confined.
final class WebSocketPeer: ChatPeer {
    private let socket: WebSocketConnection
    private let fanout: RoomFanout
    private var membership: RoomMembership?

    init(socket: WebSocketConnection, fanout: RoomFanout) {
        self.socket = socket
        self.fanout = fanout
    }

    var loop: EventLoop { self.socket.loop }

    /// A socket that is too slow closes itself, so the verdict needs no answer here.
    func send(_ frame: BroadcastFrame) { _ = self.socket.send(frame) }

    func close(_ code: WebSocketCloseCode, reason: String) { self.socket.close(code, reason: reason) }

    func join(room: Int64) {
        guard self.membership == nil, self.socket.isOpen else { return }
        self.membership = self.fanout.join(room: room, self.socket)
    }

    func leave() {
        guard let membership = self.membership else { return }
        self.membership = nil
        self.fanout.leave(membership)
    }
}
