/// What the process was asked to do.
enum Command: Sendable, Equatable {
    case serve
    case migrate(MigrateAction)
    case healthcheck
    case config(ConfigAction)
    case version
    case help

    enum MigrateAction: String, Sendable, CaseIterable { case up, status, verify }
    enum ConfigAction: String, Sendable, CaseIterable { case check, print, docs }

    /// Says in one line what is wrong with the words.
    struct UsageError: Error, Sendable, Equatable { let message: String }

    /// Parses the words after the program's name.
    init(arguments: [String]) throws(UsageError) {
        if arguments.contains("--help") || arguments.contains("-h") {
            self = .help
            return
        }
        if let flag = arguments.first(where: { $0.hasPrefix("-") && $0 != "--version" }) {
            throw UsageError(message: "unknown flag \(flag)")
        }
        var words = arguments[...]
        let first = words.popFirst() ?? "serve"
        switch first {
        case "serve": self = .serve
        case "migrate": self = .migrate(try Self.action(&words, of: first))
        case "healthcheck": self = .healthcheck
        case "config": self = .config(try Self.action(&words, of: first))
        case "version", "--version": self = .version
        case "help": self = .help
        default: throw UsageError(message: "unknown command \(first)")
        }
        if let extra = words.first { throw UsageError(message: "unexpected argument \(extra)") }
    }

    private static func action<Action: RawRepresentable & CaseIterable>(
        _ words: inout ArraySlice<String>,
        of command: String
    ) throws(UsageError) -> Action where Action.RawValue == String {
        let names = Action.allCases.map(\.rawValue).joined(separator: "|")
        guard let word = words.popFirst() else { throw UsageError(message: "\(command) needs \(names)") }
        guard let action = Action(rawValue: word) else {
            throw UsageError(message: "\(command) knows \(names), not \(word)")
        }
        return action
    }

    static let usage = """
        Usage: timingle [command]

          serve                     run the server (default); ROLE says which parts
          migrate up                bring the database to this version's schema
          migrate status            list migrations and whether they are applied
          migrate verify            check that applied migrations are those of this version
          healthcheck               exit 0 when the server on PORT is ready, else 1
          config check              check the environment and report every problem
          config print              print the values in force as an environment file, secrets masked
          config docs               print the table of variables as Markdown
          version                   print the version
          help                      print this

        Configuration comes from environment variables: see `timingle config docs`.
        Exit codes: 0 done, 1 failed, 64 wrong usage, 78 wrong configuration.

        """
}

/// Exit codes after sysexits.h.
enum ExitCode {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    static let usage: Int32 = 64
    static let configuration: Int32 = 78
}
