/// A stream between two loops: its socket, which no loop watches, and what was received and not consumed.
///
/// Handed on once, from the loop that it left to the one where it arrives. Dropped, it closes its socket.
// SAFETY: `StreamConnection.depart` ended all use of `io` on its loop, and whoever arrives with it uses it on one
// other; the mailbox between them orders what both did. ListenerMoveTests moves streams with and without TLS.
struct DepartedStream: @unchecked Sendable {
    let io: any SocketIO
    let peerAddress: SocketAddress
    let pending: [UInt8]
}
