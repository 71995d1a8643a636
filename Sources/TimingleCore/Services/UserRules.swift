/// What the fields of a user may hold; each refusal names the field and the rule.
enum UserRules {
    static func phone(_ input: String, countryCode: String) throws(ServiceError) -> PhoneNumber {
        guard let phone = PhoneNumber(input, countryCode: countryCode) else {
            throw .invalid(
                "phone",
                ko: "전화번호 형식이 올바르지 않습니다. 예: 01012345678, +821012345678",
                en: "phone must be a phone number such as 01012345678 or +821012345678"
            )
        }
        return phone
    }

    static func code(_ input: String) throws(ServiceError) -> String {
        guard input.utf8.count == 6, input.utf8.allSatisfy({ 48...57 ~= $0 }) else {
            throw .invalid("code", ko: "인증번호는 숫자 6자리입니다.", en: "code must be 6 digits")
        }
        return input
    }

    /// Text for people: trimmed, from `min` to `max` characters (Unicode scalars, as the column counts them).
    static func text(_ field: String, _ input: String, min: Int = 1, max: Int) throws(ServiceError) -> String {
        // Nothing that is this much too long is looked at character by character.
        guard input.utf8.count <= 4 * max + 64 else { throw self.length(field, min: min, max: max) }
        var scalars = Array(input.unicodeScalars)
        while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
        let trimmed = scalars.drop { $0.properties.isWhitespace }
        guard (min...max).contains(trimmed.count), trimmed.isEmpty || trimmed.contains(where: \.isVisible) else {
            throw self.length(field, min: min, max: max)
        }
        guard !trimmed.contains(where: self.isForbidden) else {
            throw .invalid(
                field,
                ko: "\(field)에 사용할 수 없는 문자가 있습니다.",
                en: "\(field) must not contain control characters"
            )
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: trimmed)
        return String(text)
    }

    static func email(_ input: String) throws(ServiceError) -> String {
        let text = try self.text("email", input, min: 3, max: 255)
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard
            parts.count == 2, !parts[0].isEmpty, parts[1].contains("."), !parts[1].hasPrefix("."),
            !parts[1].hasSuffix("."), !parts[1].contains(".."), !text.unicodeScalars.contains(where: { $0 == " " })
        else {
            throw .invalid("email", ko: "이메일 형식이 올바르지 않습니다.", en: "email must be an e-mail address")
        }
        return text
    }

    static func imageURL(_ input: String) throws(ServiceError) -> String {
        let text = try self.text("profile_image_url", input, max: 2_048)
        let lower = text.lowercased()
        let rest = ["https://", "http://"].first { lower.hasPrefix($0) }.map { text.dropFirst($0.count) }
        let isPrintable = text.utf8.allSatisfy {
            $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "<")
        }
        guard let rest, !rest.isEmpty, !rest.hasPrefix("/"), isPrintable else {
            throw .invalid(
                "profile_image_url",
                ko: "프로필 이미지 주소는 http(s) URL이어야 합니다.",
                en: "profile_image_url must be an http(s) URL"
            )
        }
        return text
    }

    static func interests(_ input: [String]) throws(ServiceError) -> [String] {
        guard input.count <= 20 else {
            throw .invalid("interests", ko: "관심사는 20개까지 등록할 수 있습니다.", en: "interests must have at most 20 entries")
        }
        var result: [String] = []
        for interest in input {
            let text = try self.text("interests", interest, max: 50)
            if !result.contains(text) { result.append(text) }
        }
        return result
    }

    static func timezone(_ input: String) throws(ServiceError) -> String {
        guard input.utf8.count <= 50, TimezoneNames.contains(input) else {
            throw .invalid(
                "timezone",
                ko: "시간대는 Asia/Seoul과 같은 IANA 이름이어야 합니다.",
                en: "timezone must be an IANA name such as Asia/Seoul"
            )
        }
        return input
    }

    /// A BCP 47 tag of at most ten bytes, such as `ko`, `en-US`, `zh-Hant`.
    static func language(_ input: String) throws(ServiceError) -> String {
        let parts = input.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        let isTag = parts.enumerated().allSatisfy { index, part in
            index == 0
                ? (2...3).contains(part.count) && part.allSatisfy(self.isLetter)
                : (2...8).contains(part.count) && part.allSatisfy { self.isLetter($0) || 48...57 ~= $0 }
        }
        guard (2...10).contains(input.utf8.count), isTag else {
            throw .invalid(
                "language",
                ko: "언어는 ko, en-US와 같은 태그여야 합니다.",
                en: "language must be a tag such as ko or en-US"
            )
        }
        return input
    }

    /// The patch with every field trimmed and checked.
    static func checked(_ patch: UserPatch) throws(ServiceError) -> UserPatch {
        var result = patch
        if let name = patch.name { result.name = try self.text("name", name, max: 100) }
        if case .some(.some(let value)) = patch.displayName {
            result.displayName = .some(try self.text("display_name", value, max: 100))
        }
        if case .some(.some(let value)) = patch.email { result.email = .some(try self.email(value)) }
        if case .some(.some(let value)) = patch.profileImageURL {
            result.profileImageURL = .some(try self.imageURL(value))
        }
        if case .some(.some(let value)) = patch.region {
            result.region = .some(try self.text("region", value, max: 50))
        }
        if let interests = patch.interests { result.interests = try self.interests(interests) }
        if let timezone = patch.timezone { result.timezone = try self.timezone(timezone) }
        if let language = patch.language { result.language = try self.language(language) }
        return result
    }

    private static func length(_ field: String, min: Int, max: Int) -> ServiceError {
        .invalid(field, ko: "\(field)은(는) \(min)~\(max)자여야 합니다.", en: "\(field) must have \(min) to \(max) characters")
    }

    private static func isLetter(_ byte: UInt8) -> Bool { 65...90 ~= byte || 97...122 ~= byte }

    /// Control characters, and those that turn the direction of text: a name must not paint over others.
    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069, 0xfffe, 0xffff: true
        default: false
        }
    }
}
