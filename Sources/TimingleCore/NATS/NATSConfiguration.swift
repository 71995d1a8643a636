/// Where NATS is, and every time and amount that bounds our use of it.
package struct NATSConfiguration: Sendable {
    /// One or more URLs, separated by commas: `nats://user:password@host:4222`.
    package var url: String
    /// Shows in the server's connection list.
    package var name = "timingle"
    package var connectTimeout: Duration = .seconds(2)
    package var reconnectDelayMin: Duration = .milliseconds(100)
    package var reconnectDelayMax: Duration = .seconds(5)
    package var pingInterval: Duration = .seconds(5)
    package var pingsOutMax = 2
    /// How long an answer of the JetStream API may take.
    package var requestTimeout: Duration = .seconds(5)
    /// How long the acknowledgement of a publication may take.
    package var publishTimeout: Duration = .seconds(2)
    /// Messages and bytes that may wait for the writing queue.
    package var outgoingCountMax = 65_536
    package var outgoingBytesMax = 64 << 20
    /// Requests that may wait for their answers.
    package var waitersMax = 65_536

    package init(url: String) { self.url = url }

    /// The URLs without what stands before an `@`, for logs.
    var shownURL: String {
        self.url.split(separator: ",").map { part in
            guard let at = part.lastIndex(of: "@") else { return String(part) }
            let scheme = part.range(of: "://").map { String(part[..<$0.upperBound]) } ?? ""
            return scheme + String(part[part.index(after: at)...])
        }.joined(separator: ",")
    }
}

extension Substring {
    /// The first place of `other`, without Foundation.
    fileprivate func range(of other: String) -> Range<Index>? {
        var start = self.startIndex
        while start < self.endIndex {
            if self[start...].hasPrefix(other) { return start..<self.index(start, offsetBy: other.count) }
            start = self.index(after: start)
        }
        return nil
    }
}

extension Duration {
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        return overflow ? .max : product &+ attoseconds / 1_000_000_000_000_000
    }

    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product &+ attoseconds / 1_000_000_000
    }
}
