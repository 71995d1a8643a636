import Testing

@testable import TimingleNet

struct ByteWriterTests {
    @Test func valuesAreWrittenBigEndian() {
        var writer = ByteWriter(reserving: 64)
        writer.writeUInt8(1)
        writer.writeUInt16(0x0203)
        writer.writeInt16(-2)
        writer.writeUInt32(256)
        writer.writeInt32(-2)
        writer.writeUInt64(0x1_0000_0002)
        writer.writeInt64(.min)
        writer.writeBytes([9])
        writer.writeUTF8("é")
        #expect(
            writer.bytes == [
                0x01, 0x02, 0x03, 0xFF, 0xFE, 0x00, 0x00, 0x01, 0x00, 0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 1, 0, 0, 0, 2,
                0x80, 0, 0, 0, 0, 0, 0, 0, 9, 0xC3, 0xA9,
            ]
        )
    }

    @Test func aLengthIsPatchedWhenItIsKnown() throws {
        var writer = ByteWriter()
        writer.writeUInt8(7)
        let outer = writer.markLength()
        let inner = writer.markLength()
        writer.writeBytes([1, 2, 3])
        try writer.patchLength(inner)
        try writer.patchLength(outer)
        #expect(writer.bytes == [7, 0, 0, 0, 7, 0, 0, 0, 3, 1, 2, 3])
    }
}
