import Testing
import TimingleTestSupport

@testable import TimingleCore

struct PhoneNumberTests {
    @Test(arguments: [
        "01012345678", "+821012345678", "010-1234-5678", "(010) 1234 5678", "+82 10-1234-5678", "+82 010 1234 5678",
        "0082 10 1234 5678", "010.1234.5678",
    ])
    func allWaysToWriteANumberAreOne(input: String) {
        #expect(PhoneNumber(input)?.text == "+821012345678")
    }

    @Test(arguments: [
        ("+14155550123", "+14155550123"), ("0014155550123", "+14155550123"), ("0212345678", "+82212345678"),
    ])
    func othersKeepTheirCountry(input: String, expected: String) {
        #expect(PhoneNumber(input)?.text == expected)
    }

    @Test(
        arguments: [
            "", "+", "0", "00", "oauth_1768471200000000000", "1012345678", "+0101234567", "++821012345678",
            "+82+1012345678",
            "0101234567a", "٠١٠١٢٣٤٥٦٧٨", "０１０１２３４５６７８", "+1234567", "+1234567890123456",
            "010\u{a0}12345678",
            "0101234567\n8", .repeating("0", count: 1_000), "01012345678; DROP TABLE users",
        ] as [TextArgument]
    )
    func whatIsNoNumberIsRefused(input: TextArgument) {
        #expect(PhoneNumber(input.value) == nil)
    }
}
