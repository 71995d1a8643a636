internal import TimingleNet

/// The files of the console in the browser.
struct ConsoleHandlers: Sendable {
    static let prefix = "/console"

    let files: StaticFiles

    /// Opens the directory, or says which variable names one that cannot be served.
    init(directory: String) throws(ConfigurationProblem) {
        do throws(SystemError) {
            self.files = try StaticFiles(directory: directory, at: Self.prefix)
        } catch {
            throw ConfigurationProblem(
                variable: ConfigurationTable.staticDirectory.name,
                value: directory,
                rule: "must be a directory that can be read; \(error)"
            )
        }
    }

    func file(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        try await self.files(request, context)
    }
}
