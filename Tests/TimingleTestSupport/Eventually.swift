import TimingleNet

/// Waits, in small steps and not for long, until something that happens elsewhere is true.
package func eventually(_ seconds: Int = 30, _ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = MonotonicInstant.now + .seconds(seconds)
    while MonotonicInstant.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}

/// What did not come about in time.
package struct NeverCameAbout: Error, CustomStringConvertible {
    let site: String
    let limit: Duration

    package var description: String { "\(self.site): what was waited for did not come about in \(self.limit)" }
}

/// Asks again and again until `condition` holds, letting other tasks go on between; throws after `limit`.
///
/// A test that waits for something waits by this, so that what never comes about fails it and does not hang it.
package func waitUntil(
    within limit: Duration = .seconds(30),
    file: StaticString = #fileID,
    line: UInt = #line,
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverCameAbout(site: "\(file):\(line)", limit: limit) }
        try await Task.sleep(for: .microseconds(200))
    }
}
