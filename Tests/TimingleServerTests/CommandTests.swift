import Testing
@testable import TimingleServer

struct CommandTests {
    @Test(arguments: [
        ([], Command.serve), (["serve"], .serve), (["migrate", "up"], .migrate(.up)),
        (["migrate", "status"], .migrate(.status)),
        (["migrate", "verify"], .migrate(.verify)), (["healthcheck"], .healthcheck),
        (["config", "check"], .config(.check)),
        (["config", "print"], .config(.print)), (["config", "docs"], .config(.docs)), (["version"], .version),
        (["--version"], .version), (["help"], .help), (["--help"], .help), (["migrate", "-h"], .help),
    ])
    func knownWordsAreCommands(words: [String], command: Command) throws {
        let parsed = try Command(arguments: words)
        #expect(parsed == command)
    }

    @Test(arguments: [
        ["bogus"], ["migrate"], ["migrate", "down"], ["config"], ["config", "x"], ["serve", "now"], ["--port", "1"],
        ["serve", "--fast"], ["migrate", "up", "down"], [""],
    ])
    func otherWordsAreWrongUsage(words: [String]) {
        #expect(throws: Command.UsageError.self) { try Command(arguments: words) }
    }
}
