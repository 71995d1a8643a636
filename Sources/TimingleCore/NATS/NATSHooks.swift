internal import CNats
internal import Synchronization

/// Takes what cnats says of a connection.
///
/// Any thread.
final class EventBox: Sendable {
    let deliver: @Sendable (NATSSession.Event) -> Void
    init(_ deliver: @escaping @Sendable (NATSSession.Event) -> Void) { self.deliver = deliver }
}

/// Takes the messages of one subscription, until it is closed.
///
/// Any thread (Mutex): cnats calls from its delivery threads.
final class NATSSubscriptionBox: Sendable {
    private let handler: Mutex<(@Sendable (NATSMessage) -> Void)?>

    init(_ handler: @escaping @Sendable (NATSMessage) -> Void) { self.handler = Mutex(handler) }

    func deliver(_ message: NATSMessage) {
        let handler = self.handler.withLock { $0 }
        handler?(message)
    }

    func close() { self.handler.withLock { $0 = nil } }
}

/// How long to wait between attempts; one range for the process, because the hook has no room for more.
enum BackoffRange {
    private static let range = Mutex<(min: Int64, max: Int64)>((100, 5_000))

    static func store(min: Duration, max: Duration) {
        self.range.withLock { $0 = (Swift.max(1, min.wholeMilliseconds), Swift.max(1, max.wholeMilliseconds)) }
    }

    /// Doubles with each attempt up to the limit; the upper half of it is drawn by lot, so that a herd spreads.
    static func milliseconds(attempt: Int) -> Int64 {
        let (low, high) = self.range.withLock { $0 }
        let base = Swift.min(high, low << Int64(Swift.min(Swift.max(attempt - 1, 0), 16)))
        return Swift.max(1, base / 2 + Int64.random(in: 0...(base - base / 2)))
    }
}

let reconnectDelayHook: @convention(c) (OpaquePointer?, CInt, UnsafeMutableRawPointer?) -> Int64 = { _, attempt, _ in
    BackoffRange.milliseconds(attempt: Int(attempt))
}

let connectedHook: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Void = { _, closure in
    deliver(.connected, to: closure)
}

let disconnectedHook: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Void = { _, closure in
    deliver(.disconnected, to: closure)
}

let closedHook: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Void = { _, closure in
    deliver(.closed, to: closure)
}

/// Copies the message out of cnats and frees it.
let messageArrivedHook:
    @convention(c) (OpaquePointer?, OpaquePointer?, OpaquePointer?, UnsafeMutableRawPointer?) -> Void = {
        _,
        _,
        message,
        closure in
        guard let message, let closure else { return }
        let copy = copyMessage(message)
        natsMsg_Destroy(message)
        // SAFETY: the session retained the box for as long as the process lives.
        Unmanaged<NATSSubscriptionBox>.fromOpaque(closure).takeUnretainedValue().deliver(copy)
    }

private func deliver(_ event: NATSSession.Event, to closure: UnsafeMutableRawPointer?) {
    guard let closure else { return }
    // SAFETY: the session retained the box for as long as the process lives.
    Unmanaged<EventBox>.fromOpaque(closure).takeUnretainedValue().deliver(event)
}

private func copyMessage(_ message: OpaquePointer) -> NATSMessage {
    var headers: [String: String] = [:]
    for name in NATSMessage.readHeaders {
        var value: UnsafePointer<CChar>?
        if natsMsgHeader_Get(message, name, &value) == NATS_OK, let value { headers[name] = String(cString: value) }
    }
    let count = Int(natsMsg_GetDataLength(message))
    let bytes = UnsafeRawBufferPointer(start: natsMsg_GetData(message), count: max(0, count))
    return NATSMessage(
        subject: natsMsg_GetSubject(message).map { String(cString: $0) } ?? "",
        reply: natsMsg_GetReply(message).map { String(cString: $0) },
        // SAFETY: cnats keeps the message alive until the hook destroys it.
        payload: Array(bytes),
        headers: headers
    )
}
