"""What bodies have in common.  Source: Infobip's OpenAPI, by its generated clients."""

from telephony.simulators.infobip.refusals import (
    anything,
    digits,
    flag,
    number,
    of,
    one_of,
    strings,
    text,
    whole,
)

LANGUAGES = ("en", "en-gb", "es", "de", "fr", "it", "pt", "hr", "nl", "pl", "tr", "ar", "hi", "ja", "zh-cn")
BEFORE_ANSWER = frozenset(
    {
        "NO_ANSWER", "BUSY", "CANCELLED", "REJECTED", "FORBIDDEN", "DESTINATION_NOT_FOUND",
        "DESTINATION_UNAVAILABLE", "INVALID_DESTINATION", "SERVICE_UNAVAILABLE",
    }
)  # fmt: skip
NOT_ABOUT_STATES = ("INVALID_REQUEST", "REQUEST_TIMEOUT")
KEYS = frozenset("0123456789*#")
HANG_UP = {
    "errorCode": (
        False,
        one_of("NORMAL_HANGUP", "MACHINE_DETECTED", *sorted(BEFORE_ANSWER), *NOT_ABOUT_STATES),
    )
}
RECORDING = of(
    recordingType=(True, one_of("AUDIO", "AUDIO_AND_VIDEO")),
    recordingComposition=(False, anything),
    filePrefix=(False, text(100)),
    customData=(False, strings),
)
DETECTION = of(
    enabled=(True, flag),
    detectionTime=(False, number(1, 5)),
    messageDetectionTimeout=(False, number(0, 60)),
    customData=(False, strings),
)
VOICE = of(voiceGender=(False, one_of("MALE", "FEMALE")), voiceName=(False, text(128)))
SPOKEN = of(
    type=(True, one_of("TEXT")),
    text=(True, text()),
    language=(True, one_of(*LANGUAGES)),
    speechRate=(False, number(0.5, 2)),
    preferences=(False, VOICE),
)
CAPTURE = {
    "maxLength": (True, whole(1, 255)),
    "timeout": (True, whole(1, 3_600_000)),
    "terminator": (False, one_of(*sorted(KEYS))),
    "digitTimeout": (False, whole(0, 60_000)),
    "playContent": (False, SPOKEN),
    "customData": (False, strings),
}
CHILD = {
    "endpoint": (True, anything),
    "from": (False, digits),
    "fromDisplayName": (False, text(128)),
    "connectTimeout": (False, whole(1, 60)),
    "machineDetection": (False, DETECTION),
    "customData": (False, strings),
}
