internal import Glibc
internal import TimingleNet

/// Asks a server something over a short TCP connection of its own.
///
/// Blocks up to its deadline (the resolver's own time aside), so it is called on a thread that may.
struct NATSServerProbe {
    /// Where an answer ends.
    enum Ending { case line, stream }

    let endpoint: NATSEndpoint
    let timeout: Duration
    /// A server that says more is none.
    var bytesMax = 1 << 20

    /// The line that the server greets with.
    func info() -> NATSServerInfo? { self.exchange([], until: .line).flatMap { NATSServerInfo(line: $0) } }

    /// What its monitoring port says.
    func monitor() -> NATSMonitorReport? {
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        let head = "GET \(self.endpoint.path)/varz HTTP/1.0\r\nHost: \(self.endpoint.authority)\r\n\r\n"
        return self.exchange(Array(head.utf8), until: .stream).flatMap { NATSMonitorReport(answer: $0) }
    }

    func exchange(_ request: [UInt8], until ending: Ending) -> [UInt8]? {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let port = String(self.endpoint.port)
        guard getaddrinfo(self.endpoint.host, port, &hints, &list) == 0, let first = list else { return nil }
        defer { freeaddrinfo(first) }
        let deadline = MonotonicInstant.now + self.timeout
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next {
            // SAFETY: `entry` is an element of the list that getaddrinfo made and that `defer` frees after us.
            let address = entry.pointee
            if let answer = self.exchange(address, request, until: ending, deadline) { return answer }
            next = address.ai_next
        }
        return nil
    }

    private func exchange(
        _ address: addrinfo,
        _ request: [UInt8],
        until ending: Ending,
        _ deadline: MonotonicInstant
    ) -> [UInt8]? {
        let fd = socket(address.ai_family, address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), address.ai_protocol)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        guard Self.bound(fd, by: deadline), connect(fd, address.ai_addr, address.ai_addrlen) == 0 else { return nil }
        if !request.isEmpty {
            // SAFETY: send only reads the array, which lives during the call.
            guard send(fd, request, request.count, CInt(MSG_NOSIGNAL)) == request.count else { return nil }
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while Self.bound(fd, by: deadline) {
            // SAFETY: recv stays within the buffer, which lives during the call.
            let count = recv(fd, &buffer, buffer.count, 0)
            guard count >= 0, answer.count + count <= self.bytesMax else { return nil }
            if count == 0 { return ending == .stream ? answer : nil }
            answer += buffer[..<count]
            if ending == .line, let newline = answer.firstIndex(of: 0x0a) { return Array(answer[..<newline]) }
        }
        return nil
    }

    /// Lets the next call on the socket last until the deadline at most; false when that has passed.
    private static func bound(_ fd: CInt, by deadline: MonotonicInstant) -> Bool {
        let milliseconds = MonotonicInstant.now.duration(to: deadline).wholeMilliseconds
        guard milliseconds > 0 else { return false }
        var timeout = timeval(tv_sec: Int(milliseconds / 1_000), tv_usec: Int(milliseconds % 1_000) * 1_000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, size) == 0
            && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, size) == 0
    }
}
