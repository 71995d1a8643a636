import Testing

@testable import TimingleNet

struct StaticFreshnessTests {
    private static let aNameThatCarriesAHashNeverMeansAnotherTable: [(String, Bool)] = [
        ("app.3f2a9c01.js", true), ("app.3F2A9C01.js", true), ("app.min.0123456789abcdef0123.css", true),
        ("a.3f2a9c01.js.map", true),
        ("app.js", false), ("app.3f2a9c0.js", false), ("app.3f2a9c0g.js", false), ("3f2a9c01.js", false),
        ("app.3f2a9c01", false), (".3f2a9c01.js", false), ("app.3f2a9c01.", false), ("app-3f2a9c01.js", false),
        // A day, and a word.
        ("report.20261128.csv", false), ("a.deadbeef.js", false), ("index.html", false), ("", false),
    ]

    @Test(arguments: Self.aNameThatCarriesAHashNeverMeansAnotherTable)
    func aNameThatCarriesAHashNeverMeansAnother(name: String, carries: Bool) {
        #expect(StaticFreshness.carriesHash(name) == carries)
        #expect(StaticFreshness.cacheControl(for: name).contains("immutable") == carries)
    }

    private static let second: Int64 = 1_000_000_000
    private static let stamp = FileStamp(
        device: 1,
        inode: 2,
        size: 3,
        modifiedNanoseconds: 1_000 * second,
        changedNanoseconds: 2_000 * second
    )

    private static func validators(_ stamp: FileStamp, now: Int64 = 3_000 * second) -> HTTPValidators {
        StaticFreshness.validators(of: stamp, nowNanoseconds: now, settling: Self.second)
    }

    @Test func anyChangeChangesTheTag() {
        var stamps = [Self.stamp]
        for change in [\FileStamp.size, \.modifiedNanoseconds, \.changedNanoseconds] {
            var stamp = Self.stamp
            stamp[keyPath: change] += 1
            stamps.append(stamp)
        }
        for change in [\FileStamp.device, \.inode] {
            var stamp = Self.stamp
            stamp[keyPath: change] += 1
            stamps.append(stamp)
        }
        let tags = stamps.map { Self.validators($0).tag.opaque }
        #expect(Set(tags).count == stamps.count)
        #expect(tags.allSatisfy { $0.utf8.count == 16 && $0.utf8.allSatisfy { hexDigitValue($0) != nil } })
        #expect(Self.validators(Self.stamp) == Self.validators(Self.stamp))
    }

    @Test func aTagIsWeakUntilItsFileHasSettled() {
        let changed = Self.stamp.changedNanoseconds
        for (now, isWeak) in [
            (changed - 1, true), (changed, true), (changed + Self.second - 1, true), (changed + Self.second, false),
        ] {
            #expect(Self.validators(Self.stamp, now: now).tag.isWeak == isWeak, "\(now - changed)")
        }
        var future = Self.stamp
        future.modifiedNanoseconds = changed + 1_000_000 * Self.second
        #expect(Self.validators(future).tag.isWeak)
    }

    @Test func lastModifiedIsNeverInTheFuture() {
        #expect(Self.validators(Self.stamp).modified == 1_000)
        var future = Self.stamp
        future.modifiedNanoseconds = 9_000 * Self.second
        #expect(Self.validators(future).modified == 3_000)
        var ancient = Self.stamp
        ancient.modifiedNanoseconds = .min
        #expect(Self.validators(ancient).modified == 0)
    }
}
