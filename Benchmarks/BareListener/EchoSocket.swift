internal import TimingleNet

/// Sends each message back, as Autobahn's fuzzing client expects.
///
/// Loop-confined.
final class EchoSocket: WebSocketHandler {
    func opened(_ socket: WebSocketConnection) {}

    func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {
        socket.send(textBytes: Self.copy(text))
    }

    func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {
        socket.send(binary: Self.copy(bytes))
    }

    func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}

    private static func copy(_ bytes: Span<UInt8>) -> [UInt8] {
        bytes.withUnsafeBufferPointer { Array($0) }
    }
}
