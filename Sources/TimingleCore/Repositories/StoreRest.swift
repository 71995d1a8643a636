internal import Synchronization
internal import TimingleNet

/// Leaves a store alone for a moment after it did not answer, where an answer is wanted at once or not at all.
///
/// Any thread (Mutex).
final class StoreRest: Sendable {
    private let duration: Duration
    private let end = Mutex<MonotonicInstant?>(nil)

    init(_ duration: Duration = .seconds(2)) { self.duration = duration }

    /// Runs `body` unless the store rests; what it says to be unavailable rests from then on.
    func unlessResting<Result>(
        now: MonotonicInstant = .now,
        _ body: () async throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let isResting = self.end.withLock { end in end.map { now < $0 } ?? false }
        guard !isResting else { throw .unavailable("it did not answer a moment ago") }
        do throws(StoreError) {
            return try await body()
        } catch {
            if case .unavailable = error { self.end.withLock { $0 = .now + self.duration } }
            throw error
        }
    }
}
