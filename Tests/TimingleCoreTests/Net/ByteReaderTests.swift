import Testing

@testable import TimingleNet

struct ByteReaderTests {
    @Test func bigEndianValuesAreReadInOrder() throws {
        let bytes: [UInt8] = [
            0x01, 0x02, 0x03, 0xFF, 0xFE, 0x00, 0x00, 0x01, 0x00, 0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 1, 0, 0, 0, 2,
            0x80, 0, 0, 0, 0, 0, 0, 0,
        ]
        var reader = ByteReader(bytes.span.bytes)
        #expect(try reader.readUInt8() == 1)
        #expect(try reader.readUInt16() == 0x0203)
        #expect(try reader.readInt16() == -2)
        #expect(try reader.readUInt32() == 256)
        #expect(try reader.readInt32() == -2)
        #expect(try reader.readUInt64() == 0x1_0000_0002)
        #expect(try reader.readInt64() == Int64.min)
        #expect(reader.remaining == 0 && reader.position == bytes.count)
    }

    @Test func aCutValueIsTruncatedAndNothingIsTaken() throws {
        let bytes: [UInt8] = [1, 2, 3]
        var reader = ByteReader(bytes.span.bytes)
        var failure: WireError?
        do throws(WireError) { _ = try reader.readUInt32() } catch { failure = error }
        #expect(failure == .truncated)
        #expect(reader.remaining == 3)
        #expect(try reader.readUInt16() == 0x0102)
    }

    @Test(arguments: [4, -1, Int.max, Int.min])
    func aLengthBeyondTheEndOrBelowZeroIsRefused(count: Int) {
        let bytes: [UInt8] = [1, 2, 3]
        let expected: WireError = count < 0 ? .malformed("length") : .truncated
        var reader = ByteReader(bytes.span.bytes)
        var failures: [WireError] = []
        do throws(WireError) { _ = try reader.readBytes(count) } catch { failures.append(error) }
        do throws(WireError) { _ = try reader.readArray(count) } catch { failures.append(error) }
        do throws(WireError) { _ = try reader.readString(count) } catch { failures.append(error) }
        do throws(WireError) { try reader.skip(count) } catch { failures.append(error) }
        #expect(failures == [expected, expected, expected, expected])
        #expect(reader.remaining == 3)
    }

    @Test func bytesAndTextAreReadAndSkipped() throws {
        let bytes: [UInt8] = [1, 2] + Array("한글".utf8) + [7]
        var reader = ByteReader(bytes.span.bytes)
        #expect(try reader.readArray(1) == [1])
        try reader.skip(1)
        #expect(try reader.readString(6) == "한글")
        let rest = try reader.readBytes(1)
        #expect(rest.byteCount == 1)
        #expect(try reader.readArray(0) == [])
    }

    @Test func textMustBeUTF8() {
        let bytes: [UInt8] = [0xC3, 0x28]
        var reader = ByteReader(bytes.span.bytes)
        var failure: WireError?
        do throws(WireError) { _ = try reader.readString(2) } catch { failure = error }
        #expect(failure == .malformed("UTF-8"))
    }
}
