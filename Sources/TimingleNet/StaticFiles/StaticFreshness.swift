/// How long a file may be taken from a cache, and how one state of it is told from another.
///
/// No state.
enum StaticFreshness {
    /// Cache-Control for a file of that name.
    ///
    /// A name that carries the hash of its content never means another; any other has to be asked about each time,
    /// which costs a 304.
    static func cacheControl(for name: String) -> String {
        Self.carriesHash(name) ? "public, max-age=31536000, immutable" : "no-cache"
    }

    /// True for `app.3f2a9c01.js`: between two dots, eight or more hexadecimal digits.
    ///
    /// There have to be both letters and digits: `report.20261128.csv` carries a day, which says nothing about its
    /// content. Of real hashes of eight digits, one in forty is missed, and only asked about more often.
    static func carriesHash(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count >= 3, parts.first?.isEmpty == false, parts.last?.isEmpty == false else { return false }
        return parts[1..<(parts.count - 1)].contains { part in
            part.count >= 8 && part.allSatisfy { hexDigitValue($0) != nil }
                && part.contains { HTTPByteClass.isDigit($0) } && part.contains { !HTTPByteClass.isDigit($0) }
        }
    }

    /// The validators of a file in that state.
    ///
    /// The tag is made of inode, size, and both times to the nanosecond, so that no content has to be read. The time of
    /// the last change of anything is among them because it cannot be set: files that were unpacked with the times of
    /// an archive, or overwritten with their time kept, differ by it. It is strong, because parts of a file that were
    /// fetched under one tag may be put together, but weak as long as the last change is so recent that another one
    /// could have fallen into the same tick of the file system's clock.
    static func validators(of stamp: FileStamp, nowNanoseconds: Int64, settling: Int64) -> HTTPValidators {
        let last = max(stamp.modifiedNanoseconds, stamp.changedNanoseconds)
        // A time in the future says nothing at all about what may still happen.
        let isSettled = last <= nowNanoseconds && nowNanoseconds - last >= settling
        let now = nowNanoseconds / 1_000_000_000
        return HTTPValidators(
            tag: HTTPEntityTag(opaque: Self.digits(of: stamp), isWeak: !isSettled),
            // RFC 9110 section 8.8.2.1: not later than the answer's own date.
            modified: min(stamp.modifiedUnixSeconds, max(0, now))
        )
    }

    /// 16 hexadecimal digits: the inode itself is nobody's business.
    private static func digits(of stamp: FileStamp) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        let numbers = [
            stamp.device, stamp.inode, UInt64(bitPattern: stamp.size), UInt64(bitPattern: stamp.modifiedNanoseconds),
            UInt64(bitPattern: stamp.changedNanoseconds),
        ]
        for number in numbers {
            hash ^= number
            // The finaliser of SplitMix64: each bit of what went in reaches each bit of what comes out.
            hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
            hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
            hash ^= hash >> 31
        }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
