import Testing
import TimingleTestSupport

@testable import TimingleNet

struct OpenFilesTests {
    @Test func readersOfOneStateShareADescriptor() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write("a", "aa")
            let files = OpenFiles(filesMax: 2)
            let first = try RegularFile(path: directory["a"])
            #expect(files.shared(first) === first)
            #expect(files.shared(try RegularFile(path: directory["a"])) === first)
            #expect(files.count == 1)
            try directory.replace("a", by: [1, 2])
            let second = try RegularFile(path: directory["a"])
            #expect(files.shared(second) === second)
            #expect(files.count == 2)
            withExtendedLifetime((first, second)) {}
        }
    }

    @Test func aFileThatNobodyReadsMakesRoom() async throws {
        try await TemporaryDirectory.with { directory in
            for name in ["a", "b", "c"] { try directory.write(name, name) }
            let files = OpenFiles(filesMax: 2)
            var held = [try #require(files.shared(RegularFile(path: directory["a"])))]
            held.append(try #require(files.shared(RegularFile(path: directory["b"]))))
            #expect(files.shared(try RegularFile(path: directory["c"])) == nil)
            // One that is open already costs nothing.
            #expect(files.shared(try RegularFile(path: directory["b"])) === held[1])
            held.removeFirst()
            #expect(files.count == 1)
            #expect(files.shared(try RegularFile(path: directory["c"])) != nil)
        }
    }
}
