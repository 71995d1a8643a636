/// The captured segments of a route, percent-decoded when they are asked for.
///
/// A value.
package struct RouteParameters: Sendable {
    /// What a route captures: its place is counted in segments, so that a match has nothing to write down.
    struct Capture: Sendable {
        var name: String
        var segment: Int
        var takesRest: Bool
    }

    private let captures: [Capture]
    private let target: HTTPTargetBytes

    package init() { self.init([], of: HTTPTargetBytes()) }

    /// The captures of a route that `target` matches; each has a decoding.
    init(_ captures: [Capture], of target: HTTPTargetBytes) {
        self.captures = captures
        self.target = target
    }

    /// True where the route captures nothing.
    var isEmpty: Bool { self.captures.isEmpty }

    package subscript(name: String) -> String? {
        for capture in self.captures where capture.name == name {
            return self.target.withBytes { Self.value(of: capture, in: $0) }
        }
        return nil
    }

    /// The decoded value; nil for a broken escape.
    static func value(of capture: Capture, in target: UnsafeBufferPointer<UInt8>) -> String? {
        var start = 1
        var remaining = capture.segment
        while remaining > 0, start < target.count, target[start] != UInt8(ascii: "?") {
            if target[start] == UInt8(ascii: "/") { remaining -= 1 }
            start += 1
        }
        var end = start
        while end < target.count, target[end] != UInt8(ascii: "?") {
            if target[end] == UInt8(ascii: "/"), !capture.takesRest { break }
            end += 1
        }
        guard start <= end, end <= target.count else { return nil }
        return percentDecoded(UnsafeBufferPointer(rebasing: target[start..<end]), plusIsSpace: false)
    }
}
