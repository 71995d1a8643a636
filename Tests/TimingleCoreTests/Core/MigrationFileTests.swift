import Testing

@testable import TimingleCore

struct MigrationFileTests {
    @Test(arguments: [
        ("0001_create_users.sql", MigrationFile.Kind.sql), ("0002_index_2.sql", .sql), ("9999_last.cql", .cql),
    ])
    func aFileIsCalledByItsNumberAndItsName(name: String, kind: MigrationFile.Kind) throws {
        let file = try MigrationFile(fileName: name, kind: kind, contents: Array("SELECT 1".utf8))
        let text = String(name.prefix(4)).drop { $0 == "0" }
        #expect(file.version == Int64(text))
        #expect(file.checksum.utf8.count == 64)
        #expect(file.script == "SELECT 1")
    }

    @Test(arguments: [
        "1_a.sql", "0000_a.sql", "00001_a.sql", "0001.sql", "0001_.sql", "0001_A.sql", "0001_a b.sql", "٠٠٠١_a.sql",
        "0001_a.cql", "0001_a",
    ])
    func otherNamesAreRefused(name: String) {
        #expect(throws: MigrationError.self) { try MigrationFile(fileName: name, kind: .sql, contents: []) }
    }

    @Test func whatIsNoUTF8IsRefused() {
        #expect(throws: MigrationError.self) {
            try MigrationFile(fileName: "0001_a.sql", kind: .sql, contents: [0xff])
        }
    }
}
