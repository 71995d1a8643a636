internal import CPostgres
internal import Dispatch
internal import Synchronization
internal import TimingleNet

/// Where libpq's notices go: to the log.
///
/// Kept alive by the connection that registered it.
final class PostgresNoticeSink: Sendable {
    private let log: Log
    init(log: Log) { self.log = log }

    func received(severity: String, message: String) {
        if severity == "WARNING" {
            self.log.warning("postgres warning", ["text": "\(message)"])
        } else {
            self.log.debug("postgres notice", ["text": "\(message)"])
        }
    }
}

/// The libpq calls that take pointers to our memory, each with the arrays it needs.
enum PostgresCalls {
    private static let cancelling = Atomic<Int>(0)
    /// PQcancel opens a connection and waits for it.
    ///
    /// Against a dead host it is a thread that hangs.
    private static let cancellingMax = 4

    static func connectStart(_ keywords: [String: String]) -> OpaquePointer? {
        let pairs = keywords.filter { !$0.key.utf8.contains(0) && !$0.value.utf8.contains(0) }
        var text: [CChar] = []
        var keyOffsets: [Int] = []
        var valueOffsets: [Int] = []
        for (key, value) in pairs {
            keyOffsets.append(text.count)
            text += key.utf8CString
            valueOffsets.append(text.count)
            text += value.utf8CString
        }
        // SAFETY: libpq copies the strings during the call; both arrays end with the nil that it looks for.
        return text.withUnsafeBufferPointer { buffer in
            let keys = keyOffsets.map { buffer.baseAddress?.advanced(by: $0) } + [nil]
            let values = valueOffsets.map { buffer.baseAddress?.advanced(by: $0) } + [nil]
            return PQconnectStartParams(keys, values, 0)
        }
    }

    static func receiveNotices(_ handle: OpaquePointer, sink: PostgresNoticeSink) {
        // SAFETY: the connection holds the sink until after PQfinish, so the unretained pointer stays valid.
        let context = Unmanaged.passUnretained(sink).toOpaque()
        _ = PQsetNoticeReceiver(
            handle,
            { context, result in
                guard let context, let result else { return }
                let (severity, message) = PostgresResultReader.notice(result)
                let sink = Unmanaged<PostgresNoticeSink>.fromOpaque(context).takeUnretainedValue()
                sink.received(severity: severity, message: message)
            },
            context
        )
    }

    static func sendCommand(_ handle: OpaquePointer, _ text: String) -> Bool {
        PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 1) == 1
    }

    static func sendPrepare(_ handle: OpaquePointer, name: String, _ statement: PostgresStatement) -> Bool {
        let types = statement.bindings.map(\.type.rawValue)
        return PQsendPrepare(handle, name, statement.text, CInt(types.count), types) == 1
    }

    static func sendExecute(_ handle: OpaquePointer, name: String, _ statement: PostgresStatement) -> Bool {
        let count = statement.bindings.count
        var bytes: [UInt8] = []
        var offsets: [Int?] = []
        var lengths: [CInt] = []
        bytes.reserveCapacity(statement.bindings.reduce(1) { $0 + ($1.bytes?.count ?? 0) })
        for binding in statement.bindings {
            offsets.append(binding.bytes == nil ? nil : bytes.count)
            lengths.append(CInt(clamping: binding.bytes?.count ?? 0))
            bytes += binding.bytes ?? []
        }
        // An empty value still needs an address, or it would be NULL.
        bytes.append(0)
        let formats = [CInt](repeating: 1, count: count)
        // SAFETY: libpq copies the values into its output buffer during the call.
        return bytes.withUnsafeBytes { buffer in
            let values = offsets.map { offset in
                offset.flatMap { buffer.baseAddress?.advanced(by: $0).assumingMemoryBound(to: CChar.self) }
            }
            return PQsendQueryPrepared(handle, name, CInt(count), values, lengths, formats, 1) == 1
        }
    }

    /// Asks the server, at best effort, to stop what the connection runs; the connection may be finished meanwhile.
    static func cancelOffLoop(_ handle: OpaquePointer) {
        guard self.cancelling.add(1, ordering: .relaxed).newValue <= self.cancellingMax else {
            self.cancelling.subtract(1, ordering: .relaxed)
            return
        }
        guard let cancel = PQgetCancel(handle) else {
            self.cancelling.subtract(1, ordering: .relaxed)
            return
        }
        // SAFETY: a PGcancel is a copy of address and key, made for use from another thread; only this block has it.
        let bits = UInt(bitPattern: cancel)
        DispatchQueue.global().async {
            let cancel = OpaquePointer(bitPattern: bits)
            var message = [CChar](repeating: 0, count: 256)
            _ = PQcancel(cancel, &message, CInt(message.count))
            PQfreeCancel(cancel)
            self.cancelling.subtract(1, ordering: .relaxed)
        }
    }
}
