/// The Date field line, formatted once per second.
///
/// Loop-confined.
struct HTTPDateCache {
    private var second = Int64.min
    private(set) var line: [UInt8] = []

    /// Makes `line` tell this second: `Date: Sun, 06 Nov 1994 08:49:37 GMT` with its line end.
    mutating func turn(unixSeconds: Int64) {
        guard unixSeconds != self.second else { return }
        self.second = unixSeconds
        self.line = Array("Date: \(HTTPDate.imfFixdate(unixSeconds))\r\n".utf8)
    }
}
