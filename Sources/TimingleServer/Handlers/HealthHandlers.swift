internal import Synchronization
internal import TimingleCore
internal import TimingleNet

/// Whether one dependency answers.
struct DependencyCheck: Sendable {
    let name: String
    /// Without it the process cannot do its role's work.
    let isRequired: Bool
    /// Nil when it answers, else why not; for operators, so without credentials.
    let failure: @Sendable () async -> String?
    /// More about it, where there is more.
    let details: @Sendable () -> [(name: String, value: String)]

    init(
        _ name: String,
        isRequired: Bool,
        details: @escaping @Sendable () -> [(name: String, value: String)] = { [] },
        failure: @escaping @Sendable () async -> String?
    ) {
        self.name = name
        self.isRequired = isRequired
        self.details = details
        self.failure = failure
    }
}

/// Liveness for the clients, readiness for who routes to us.
final class HealthHandlers: Sendable {
    private struct Report: Sendable {
        let failures: [String?]
        let takenAt: MonotonicInstant
    }

    private struct State: Sendable {
        var latest: Report?
        var running: Task<Report, Never>?
    }

    private let checks: [DependencyCheck]
    private let lifecycle: Lifecycle
    /// A probe must not become a way to load the stores: answers are this old at most.
    private let reportLife: Duration
    private let state = Mutex(State())

    init(checks: [DependencyCheck], lifecycle: Lifecycle, reportLife: Duration = .milliseconds(500)) {
        self.checks = checks
        self.lifecycle = lifecycle
        self.reportLife = reportLife
    }

    /// The shape that clients and collections test for.
    func health(_ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        .json(.ok) { writer in
            writer.field("status", "healthy")
            writer.field("service", "timingle-api")
            writer.field("version", BuildInformation.version)
        }
    }

    /// The process turns its loops.
    func live(_ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        .json(.ok) { $0.field("status", "alive") }
    }

    func ready(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        let report = await self.report()
        let isDraining = self.lifecycle.isDraining
        let pairs = Array(zip(self.checks, report.failures))
        let isUnavailable = pairs.contains { $0.isRequired && $1 != nil }
        let isDegraded = pairs.contains { !$0.isRequired && $1 != nil }
        let status = isDraining ? "draining" : isUnavailable ? "unavailable" : isDegraded ? "degraded" : "ready"
        var response = HTTPResponse.json(isDraining || isUnavailable ? .serviceUnavailable : .ok) { writer in
            writer.field("status", status)
            writer.field("service", "timingle-api")
            writer.field("version", BuildInformation.version)
            writer.field(
                "checks",
                object: { writer in
                    for (check, failure) in pairs { Self.write(check, failure, to: &writer) }
                }
            )
        }
        if response.status == .serviceUnavailable { response.fields["Retry-After"] = "2" }
        return response
    }

    private static func write(_ check: DependencyCheck, _ failure: String?, to writer: inout JSONWriter) {
        writer.field(
            check.name,
            object: { writer in
                writer.field("status", failure == nil ? "up" : "down")
                writer.field("required", check.isRequired)
                writer.field("reason", ifPresent: failure)
                for (name, value) in check.details() { writer.field(name, value) }
            }
        )
    }

    /// The latest report, or the one that is being taken: one at a time, however many ask.
    private func report() async -> Report {
        let (latest, running) = self.state.withLock { state -> (Report?, Task<Report, Never>?) in
            if let latest = state.latest, latest.takenAt.duration(to: .now) < self.reportLife { return (latest, nil) }
            if state.running == nil { state.running = Task { await self.takeReport() } }
            return (nil, state.running)
        }
        if let latest { return latest }
        guard let running else { return await self.takeReport() }
        return await running.value
    }

    private func takeReport() async -> Report {
        var failures: [String?] = []
        for check in self.checks { failures.append(await check.failure()) }
        let report = Report(failures: failures, takenAt: .now)
        self.state.withLock { $0 = State(latest: report) }
        return report
    }
}

/// What this build is.
enum BuildInformation {
    static let version = "0.1.0"
}
