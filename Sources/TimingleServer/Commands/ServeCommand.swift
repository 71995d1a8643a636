internal import TimingleCore
internal import TimingleNet

/// `timingle serve`.
struct ServeCommand: Sendable {
    let configuration: ServerConfiguration

    func run() async -> Int32 { ExitCode.failure }
}
