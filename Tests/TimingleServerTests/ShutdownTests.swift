import Synchronization
import Testing
import TimingleNet
@testable import TimingleServer

struct ShutdownTests {
    /// What was done, in order.
    private final class Journal: Sendable {
        private let names = Mutex<[String]>([])
        var all: [String] { self.names.withLock { $0 } }
        func note(_ name: String) { self.names.withLock { $0.append(name) } }
    }

    @Test func stepsRunInOrder() async {
        let journal = Journal()
        let steps = ["readiness", "listener", "worker"].map { name in Shutdown.Step(name) { _ in journal.note(name) } }
        let isDone = await Shutdown(timeout: .seconds(60), steps: steps, log: .silent).run(clock: ContinuousClock())
        #expect(isDone)
        #expect(journal.all == ["readiness", "listener", "worker"])
    }

    @Test func aStepThatHangsIsLeftBehindAtTheDeadline() async {
        let journal = Journal()
        let sink = RecordingSink()
        let shutdown = Shutdown(
            timeout: .milliseconds(500),
            steps: [
                .init("first") { _ in journal.note("first") },
                .init("hangs") { _ in try? await Task.sleep(for: .seconds(3_600)) },
                .init("never") { _ in journal.note("never") },
            ],
            log: Log(label: "shutdown", level: .info, sink: sink)
        )
        let isDone = await shutdown.run(clock: ContinuousClock())
        #expect(!isDone)
        #expect(journal.all == ["first"])
        #expect(sink.lines.first?.metadata.first?.value == .text("hangs"))
    }

    @Test func eachStepGetsWhatIsLeft() async {
        let rest = Mutex<[Duration]>([])
        let steps = (0..<2).map { _ in Shutdown.Step("s") { remaining in rest.withLock { $0.append(remaining) } } }
        _ = await Shutdown(timeout: .seconds(3_600), steps: steps, log: .silent).run(clock: ContinuousClock())
        let durations = rest.withLock { $0 }
        #expect(durations.count == 2)
        #expect(durations.first.map { $0 <= .seconds(3_600) } == true)
        #expect(zip(durations, durations.dropFirst()).allSatisfy { $1 <= $0 })
    }

    @Test func drainingHasNoWayBack() {
        let lifecycle = Lifecycle()
        #expect(!lifecycle.isDraining)
        lifecycle.beginDraining()
        #expect(lifecycle.isDraining)
    }
}
