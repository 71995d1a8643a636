/// The refusals of event operations that nothing else speaks of.
extension ServiceError {
    package static let eventAlreadyConfirmed = ServiceError(
        .conflict,
        code: "EVENT_ALREADY_CONFIRMED",
        ko: "이미 확정된 약속입니다.",
        en: "This event is confirmed already."
    )

    package static let eventAlreadyCanceled = ServiceError(
        .conflict,
        code: "EVENT_ALREADY_CANCELED",
        ko: "이미 취소된 약속입니다.",
        en: "This event has been canceled."
    )

    package static let eventDone = ServiceError(
        .conflict,
        code: "EVENT_DONE",
        ko: "이미 완료된 약속입니다.",
        en: "This event is done."
    )

    package static let eventNotConfirmed = ServiceError(
        .conflict,
        code: "EVENT_NOT_CONFIRMED",
        ko: "확정된 약속만 완료할 수 있습니다.",
        en: "Only a confirmed event can be done."
    )

    package static let eventNotOver = ServiceError(
        .conflict,
        code: "EVENT_NOT_OVER",
        ko: "아직 종료 시간이 지나지 않은 약속입니다.",
        en: "The end time of this event has not passed yet."
    )

    package static let participantNotFound = ServiceError(
        .notFound,
        code: "PARTICIPANT_NOT_FOUND",
        ko: "참가자를 찾을 수 없습니다.",
        en: "This person is not a participant of the event."
    )

    package static let participantAlreadyAdded = ServiceError(
        .conflict,
        code: "PARTICIPANT_ALREADY_ADDED",
        ko: "이미 초대된 참가자입니다.",
        en: "This person takes part in the event already."
    )

    package static func eventFull(participantsMax: Int) -> ServiceError {
        ServiceError(
            .conflict,
            code: "EVENT_FULL",
            ko: "참가자는 최대 \(participantsMax)명까지 초대할 수 있습니다.",
            en: "An event takes at most \(participantsMax) participants."
        )
    }

    /// Why an event in this state cannot get into the state that was asked for, or change at all.
    static func refusedMove(from current: EventStatus) -> ServiceError {
        switch current {
        case .canceled: .eventAlreadyCanceled
        case .done: .eventDone
        case .confirmed: .eventAlreadyConfirmed
        case .proposed: .eventNotConfirmed
        }
    }
}
