import Synchronization
import Testing
import TimingleNet
@testable import TimingleServer

struct HealthHandlersTests {
    private func handlers(_ failures: [(Bool, String?)], lifecycle: Lifecycle = Lifecycle()) -> HealthHandlers {
        let checks = failures.enumerated().map { index, failure in
            DependencyCheck("d\(index)", isRequired: failure.0) { failure.1 }
        }
        return HealthHandlers(checks: checks, lifecycle: lifecycle)
    }

    @Test(arguments: [
        ([(true, nil), (false, nil)] as [(Bool, String?)], 200, "ready"),
        ([(true, nil), (false, "away")], 200, "degraded"),
        ([(true, "away"), (false, nil)], 503, "unavailable"),
    ])
    func readinessFollowsTheRequiredDependencies(failures: [(Bool, String?)], status: Int, word: String) async throws {
        let context = try ServerRequest.context()
        let response = try await self.handlers(failures).ready(ServerRequest.get("/readyz"), context)
        #expect(response.status.code == status)
        #expect(response.bodyText.contains("\"status\":\"\(word)\""))
    }

    @Test func drainingIsNotReadyButHealthy() async throws {
        let lifecycle = Lifecycle()
        let handlers = self.handlers([(true, nil)], lifecycle: lifecycle)
        lifecycle.beginDraining()
        let context = try ServerRequest.context()
        let ready = try await handlers.ready(ServerRequest.get("/readyz"), context)
        #expect(ready.status.code == 503)
        #expect(ready.bodyText.contains("draining"))
        let health = handlers.health(ServerRequest.get("/health"), context)
        #expect(health.status.code == 200)
        #expect(health.bodyText.contains(#""status":"healthy","service":"timingle-api""#))
    }

    @Test func manyProbesAtOnceAskTheDependenciesOnce() async throws {
        let asked = Counter()
        let check = DependencyCheck("d", isRequired: true) {
            asked.value.add(1, ordering: .relaxed)
            for _ in 0..<200 { await Task.yield() }
            return nil
        }
        let handlers = HealthHandlers(checks: [check], lifecycle: Lifecycle(), reportLife: .seconds(60))
        let context = try ServerRequest.context()
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<16 {
                group.addTask { try await handlers.ready(ServerRequest.get("/readyz"), context).status.code }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses == Array(repeating: 200, count: 16))
        #expect(asked.value.load(ordering: .relaxed) == 1)
    }
}

private final class Counter: Sendable {
    let value = Atomic(0)
}
