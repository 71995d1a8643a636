import Foundation
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Both ways to stay below the root: by the kernel's own resolution, and name by name.
struct DirectoryRootTests {
    private func with(_ resolvesBeneath: Bool, _ body: (DirectoryRoot, TemporaryDirectory) throws -> Void) async throws
    {
        try await TemporaryDirectory.with { outer in
            try outer.write("secret", "secret")
            try outer.write("root/a.txt", "a")
            try outer.write("root/dir/b.txt", "bb")
            try body(DirectoryRoot(path: outer["root"], resolvesBeneath: resolvesBeneath), outer)
        }
    }

    /// Nil for a directory, -1 for what cannot be opened.
    private func size(_ root: DirectoryRoot, _ names: String...) -> Int64? {
        do throws(SystemError) {
            guard case .file(let file) = try root.open(names) else { return nil }
            return file.size
        } catch {
            return -1
        }
    }

    private func absent(_ root: DirectoryRoot, _ names: [String], _ comment: Comment = "") {
        do throws(SystemError) {
            _ = try root.open(names)
            Issue.record("\(names) was opened \(comment)")
        } catch {
            #expect(error.isAbsence, "\(names): \(error)")
        }
    }

    @Test(arguments: [true, false])
    func filesAndDirectoriesAreOpened(resolvesBeneath: Bool) async throws {
        try await self.with(resolvesBeneath) { root, _ in
            #expect(self.size(root, "a.txt") == 1)
            #expect(self.size(root, "dir", "b.txt") == 2)
            #expect(self.size(root, "dir") == nil)
            #expect(self.size(root) == nil)
            self.absent(root, ["missing"])
            self.absent(root, ["a.txt", "below"])
            self.absent(root, ["dir", "missing", "b.txt"])
            self.absent(root, [String(repeating: "x", count: 300)])
            self.absent(root, Array(repeating: "dir", count: 3_000))
        }
    }

    @Test(arguments: [true, false])
    func namesThatAreStepsElsewhereAreNone(resolvesBeneath: Bool) async throws {
        try await self.with(resolvesBeneath) { root, _ in
            for name in ["..", ".", "", "dir/b.txt", "/etc/passwd", "a.txt\0", "../secret"] {
                self.absent(root, [name])
                self.absent(root, ["dir", name, "secret"])
            }
        }
    }

    @Test(arguments: [true, false])
    func noLinkLeadsOut(resolvesBeneath: Bool) async throws {
        try await self.with(resolvesBeneath) { root, outer in
            try outer.link("root/up", to: "../secret")
            try outer.link("root/absolute", to: outer["secret"])
            try outer.link("root/inside-by-absolute", to: outer["root/a.txt"])
            try outer.link("root/updir", to: "..")
            try outer.link("root/dir/out", to: "../../secret")
            try outer.link("root/loop", to: "loop")
            try outer.link("root/chain", to: "up")
            try outer.link("root/proc", to: "/proc/self/root")
            for name in ["up", "absolute", "inside-by-absolute", "loop", "chain"] { self.absent(root, [name]) }
            for names in [["updir", "secret"], ["dir", "out"], ["proc", "etc", "passwd"]] { self.absent(root, names) }
        }
    }

    @Test(arguments: [true, false])
    func aLinkInsideIsFollowedByTheKernelAlone(resolvesBeneath: Bool) async throws {
        try await self.with(resolvesBeneath) { root, outer in
            try outer.link("root/inside", to: "dir/b.txt")
            try outer.link("root/current", to: "dir")
            if resolvesBeneath {
                #expect(self.size(root, "inside") == 2)
                #expect(self.size(root, "current", "b.txt") == 2)
            } else {
                self.absent(root, ["inside"])
                self.absent(root, ["current", "b.txt"])
            }
        }
    }

    @Test func aRootThatWasMovedIsStillTheRoot() async throws {
        try await self.with(true) { root, outer in
            #expect(rename(outer["root"], outer["moved"]) == 0)
            #expect(self.size(root, "a.txt") == 1)
            self.absent(root, ["..", "secret"])
        }
    }

    @Test func whatIsNeitherFileNorDirectoryIsNotThere() async throws {
        try await self.with(true) { root, outer in
            #expect(mkfifo(outer["root/pipe"], 0o600) == 0)
            self.absent(root, ["pipe"])
        }
    }

    @Test func aRootHasToBeADirectory() async throws {
        try await self.with(true) { _, outer in
            for name in ["secret", "missing"] {
                #expect(throws: SystemError.self) { _ = try DirectoryRoot(path: outer[name]) }
            }
        }
    }

    @Test func descriptorsAreGivenBack() async throws {
        try await self.with(false) { root, outer in
            let before = Self.openDescriptors()
            for _ in 0..<50 {
                _ = self.size(root, "dir", "b.txt")
                _ = self.size(root, "dir")
                self.absent(root, ["dir", "missing"])
            }
            // Suites that run beside this one open and close some of their own.
            #expect(Self.openDescriptors() < before + 50)
        }
    }

    private static func openDescriptors() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }
}
