import Testing
import TimingleTestSupport

@testable import TimingleCore

struct PostgresURLTests {
    @Test(arguments: [
        "postgres://me:secret@db.example:6000/timingle?sslmode=require",
        "postgresql://me:secret@db.example:6000/timingle?sslmode=require",
        "host=db.example port=6000 user=me password=secret dbname=timingle sslmode=require",
    ])
    func allFormsOfLibpqAreUnderstood(text: String) throws {
        let url = try PostgresURL(text)
        #expect(url["host"] == "db.example")
        #expect(url["port"] == "6000")
        #expect(url["user"] == "me")
        #expect(url["password"] == "secret")
        #expect(url["dbname"] == "timingle")
        #expect(url["sslmode"] == "require")
        #expect(!"\(url)".contains("secret"))
    }

    @Test(arguments: ["postgres://me:secret@[::1/db", "host", "nonsense=secret", "a\u{0}b"] as [TextArgument])
    func aBrokenOneIsAnErrorThatDoesNotShowIt(text: TextArgument) {
        let error = #expect(throws: PostgresError.self) { try PostgresURL(text.value) }
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test(arguments: [(25, 2, [13, 12]), (1, 4, [1]), (3, 3, [1, 1, 1]), (0, 2, [1]), (4, 1, [4])])
    func connectionsAreSharedOutWhole(total: Int, loops: Int, expected: [Int]) throws {
        var configuration = try PostgresConfiguration(url: "postgres://h/d")
        configuration.maxConnections = total
        #expect(configuration.shares(loops: loops) == expected)
    }
}
