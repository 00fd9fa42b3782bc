from django.urls import path

from telephony import apologies
from telephony.carriers.twilio import outbound, views
from telephony.carriers.twilio import people_views as people
from telephony.carriers.twilio import text_views as texts

_PREFIX = "api/webhooks/twilio/"

urlpatterns = [
    path(_PREFIX + "elevenlabs", views.IncomingCall.as_view(), name="twilio-incoming"),
    path(_PREFIX + "voice", views.VoiceWithoutAgent.as_view(), name="twilio-voice"),
    path(_PREFIX + "menu", views.KeypadMenu.as_view(), name="twilio-menu"),
    path(_PREFIX + "status", views.CallStatus.as_view(), name="twilio-status"),
    path(_PREFIX + "stream-status", views.StreamStatus.as_view(), name="twilio-stream-status"),
    path(_PREFIX + "stream-ended", views.StreamEnded.as_view(), name="twilio-stream-ended"),
    path(_PREFIX + "dialed", views.Dialed.as_view(), name="twilio-dialed"),
    path(_PREFIX + "people/whisper", people.Whisper.as_view(), name="twilio-whisper"),
    path(_PREFIX + "people/accept", people.Accept.as_view(), name="twilio-accept"),
    path(_PREFIX + "people/leg", people.LegStatus.as_view(), name="twilio-leg"),
    path(_PREFIX + "recorded", views.Recorded.as_view(), name="twilio-recorded"),
    path(_PREFIX + "apology/<path:signed>", apologies.audio, name="apology"),
    path(_PREFIX + "fallback", views.Fallback.as_view(), name="twilio-fallback"),
    path(_PREFIX + "outbound", outbound.Answered.as_view(), name="twilio-outbound"),
    path(_PREFIX + "outbound-status", outbound.Status.as_view(), name="twilio-outbound-status"),
    path(_PREFIX + "outbound-amd", outbound.Machine.as_view(), name="twilio-outbound-amd"),
    path(_PREFIX + "sms", texts.IncomingText.as_view(), name="twilio-text"),
    path(_PREFIX + "sms-status", texts.TextStatus.as_view(), name="twilio-text-status"),
]
