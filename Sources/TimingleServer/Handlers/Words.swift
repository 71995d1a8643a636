internal import TimingleCore
internal import TimingleNet

/// What the server says when all went well.
enum Words {
    static let codeSent = LocalizedText(ko: "인증번호를 보냈습니다.", en: "The code is on its way.")
    static let loggedOut = LocalizedText(ko: "로그아웃되었습니다.", en: "You are signed out.")
    static let eventConfirmed = LocalizedText(ko: "약속이 확정되었습니다.", en: "The event is confirmed.")
    static let participationConfirmed = LocalizedText(ko: "참석을 확정했습니다.", en: "Your participation is confirmed.")
    static let eventCanceled = LocalizedText(ko: "약속이 취소되었습니다.", en: "The event is canceled.")
    static let eventDone = LocalizedText(ko: "약속이 완료되었습니다.", en: "The event is done.")
    static let participantAdded = LocalizedText(ko: "참가자를 추가했습니다.", en: "The participant was added.")
    static let participantRemoved = LocalizedText(ko: "참가자를 제외했습니다.", en: "The participant was removed.")
    static let accepted = LocalizedText(ko: "약속을 수락했습니다.", en: "You accepted the event.")
    static let declined = LocalizedText(ko: "약속을 거절했습니다.", en: "You declined the event.")
    static let cancelInstead = LocalizedText(
        ko: "약속을 만든 사람은 거절할 수 없습니다. 대신 약속을 취소해 주세요.",
        en: "You made this event, so you cannot decline it. Cancel it instead."
    )
    static let read = LocalizedText(ko: "읽음으로 표시했습니다.", en: "Marked as read.")
}

extension RequestContext {
    /// What the client asks for, else the signed-in user's own language, else Korean.
    func language(_ request: HTTPRequest) -> Language {
        AcceptLanguage.preferred(request.fields["Accept-Language"])
            ?? self.attachment(Identity.self)?.user.spokenLanguage ?? .korean
    }
}
