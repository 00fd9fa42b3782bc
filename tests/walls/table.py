"""Every way in, and the wall that it stands behind: one line each. A way in that is not here fails the matrix."""

from enum import StrEnum


class Wall(StrEnum):
    OPEN = "tells and does nothing of any business"
    TWILIO = "Twilio's signature; the number or the call decides the business"
    ELEVENLABS = "the agent provider's credential, which decides the business"
    INFOBIP = "Infobip's secret; the number decides the business"
    KEY = "an API key, which decides the business"
    LINK = "a signed link, which names the one row"
    STAFF = "a session of a member or an operator"
    OPS = "a session of an operator"
    TOKEN = "a token of one call, good once"
    PLATFORM = "asks which businesses have work, and gives each a task of its own"
    TENANT = "is told its business, and works in its scope"
    OPERATOR = "somebody with a shell on the machine"


HTTP = {
    "": Wall.OPEN,
    "admin": Wall.OPEN,
    "ops": Wall.OPEN,
    "api/v1/schema": Wall.OPEN,
    "a/<str:token>": Wall.LINK,
    "api/webhooks/twilio/apology/<path:signed>": Wall.LINK,
    "api/webhooks/twilio/elevenlabs": Wall.TWILIO,
    "api/webhooks/twilio/voice": Wall.TWILIO,
    "api/webhooks/twilio/menu": Wall.TWILIO,
    "api/webhooks/twilio/status": Wall.TWILIO,
    "api/webhooks/twilio/stream-status": Wall.TWILIO,
    "api/webhooks/twilio/stream-ended": Wall.TWILIO,
    "api/webhooks/twilio/dialed": Wall.TWILIO,
    "api/webhooks/twilio/recorded": Wall.TWILIO,
    "api/webhooks/twilio/fallback": Wall.TWILIO,
    "api/webhooks/twilio/people/accept": Wall.TWILIO,
    "api/webhooks/twilio/people/leg": Wall.TWILIO,
    "api/webhooks/twilio/people/whisper": Wall.TWILIO,
    "api/webhooks/twilio/outbound": Wall.TWILIO,
    "api/webhooks/twilio/outbound-amd": Wall.TWILIO,
    "api/webhooks/twilio/outbound-status": Wall.TWILIO,
    "api/webhooks/twilio/sms": Wall.TWILIO,
    "api/webhooks/twilio/sms-status": Wall.TWILIO,
    "api/webhooks/infobip/calls": Wall.INFOBIP,
    "api/webhooks/infobip/calls/<str:key>": Wall.INFOBIP,
    "api/webhooks/infobip/sms": Wall.INFOBIP,
    "api/webhooks/infobip/sms/<str:key>": Wall.INFOBIP,
    "api/webhooks/infobip/sms-status": Wall.INFOBIP,
    "api/webhooks/infobip/sms-status/<str:key>": Wall.INFOBIP,
    "api/webhooks/infobip/hold.wav": Wall.OPEN,
    "webhook": Wall.INFOBIP,
    "webhook/<str:key>": Wall.INFOBIP,
    "api/ai/webhook/elevenlabs": Wall.ELEVENLABS,
    "api/ai/tools/<str:name>": Wall.ELEVENLABS,
    "api/webhooks/elevenlabs/conversation-initiation": Wall.ELEVENLABS,
    "api/webhooks/elevenlabs/services": Wall.ELEVENLABS,
    "api/webhooks/elevenlabs/employees": Wall.ELEVENLABS,
    "api/webhooks/elevenlabs/appointments": Wall.ELEVENLABS,
    "api/v1/services": Wall.KEY,
    "api/v1/services/<uuid:service_id>": Wall.KEY,
    "api/v1/employees": Wall.KEY,
    "api/v1/employees/<uuid:employee_id>": Wall.KEY,
    "api/v1/business-hours": Wall.KEY,
    "api/v1/customers": Wall.KEY,
    "api/v1/customers/<uuid:customer_id>": Wall.KEY,
    "api/v1/availability": Wall.KEY,
    "api/v1/availability/why-not": Wall.KEY,
    "api/v1/appointments": Wall.KEY,
    "api/v1/appointments/<uuid:appointment_id>": Wall.KEY,
    "api/v1/appointments/<uuid:appointment_id>/history": Wall.KEY,
    "api/v1/appointments/<uuid:appointment_id>/confirm": Wall.KEY,
    "api/v1/appointments/<uuid:appointment_id>/complete": Wall.KEY,
    "api/v1/appointments/<uuid:appointment_id>/no-show": Wall.KEY,
    "api/v1/appointments/<uuid:appointment_id>/cancel": Wall.KEY,
    "api/v1/appointments/<uuid:appointment_id>/restore": Wall.KEY,
    "api/v1/appointments/<uuid:appointment_id>/reschedule": Wall.KEY,
    "api/v1/calls": Wall.KEY,
    "api/v1/calls/<str:call_id>": Wall.KEY,
    "api/v1/calls/<str:call_id>/hangup": Wall.KEY,
    "api/v1/visits": Wall.KEY,
    "api/v1/series": Wall.KEY,
    "api/v1/waitlist": Wall.KEY,
    "api/v1/waitlist/<uuid:entry_id>": Wall.KEY,
    "api/v1/waitlist/<uuid:entry_id>/accept": Wall.KEY,
    "api/v1/waitlist/<uuid:entry_id>/decline": Wall.KEY,
}

SITE = {
    "login": Wall.OPEN,
    "logout": Wall.OPEN,
    "jsi18n": Wall.OPEN,
    "join": Wall.LINK,
    "second_factor": Wall.OPEN,  # for whoever has just given a password
    "second_factor_set_up": Wall.OPEN,
    "second_factor_mine": Wall.STAFF,
    "second_factor_team": Wall.STAFF,
    "agent": Wall.STAFF,
    "agent_version": Wall.STAFF,
    "agent_versions": Wall.STAFF,
    "index": Wall.STAFF,
    "search": Wall.STAFF,
    "setup": Wall.STAFF,
    "leave": Wall.STAFF,
    "businesses": Wall.STAFF,
    "password_change": Wall.STAFF,
    "password_change_done": Wall.STAFF,
    "autocomplete": Wall.STAFF,
    "view_on_site": Wall.STAFF,
    "app_list": Wall.STAFF,
    "calendar": Wall.STAFF,
    "calendar_become": Wall.STAFF,
    "calendar_book": Wall.STAFF,
    "calendar_changed": Wall.STAFF,
    "calendar_customers": Wall.STAFF,
    "calendar_days": Wall.STAFF,
    "calendar_move": Wall.STAFF,
    "calendar_note": Wall.STAFF,
    "calendar_why": Wall.STAFF,
    "hours": Wall.STAFF,
    "live": Wall.STAFF,
    "test_call": Wall.STAFF,
    "test_call_begin": Wall.STAFF,
    "test_call_line": Wall.STAFF,
    "enter": Wall.OPS,
    "usage": Wall.OPS,
    "health": Wall.OPS,
    None: Wall.STAFF,  # what no address is, and the old form of a row's
}
"""Of `/admin/` and `/ops/`: what is not about one model, by name."""

MODEL = {"changelist", "add", "change", "delete", "history"}
"""Of every model that has pages: behind STAFF."""

MODEL_MORE = {
    "agents_conversation_recording": Wall.STAFF,
    "agents_message_recording": Wall.STAFF,
    "appointments_appointment_free_times": Wall.STAFF,
    **{
        f"appointments_{kind}_{page}": Wall.STAFF
        for kind in ("service", "employee", "customer", "appointment")
        for page in ("import", "import_example", "import_preview")
    },
    "appointments_appointment_repeat": Wall.STAFF,
    "appointments_appointment_visit": Wall.STAFF,
    "auth_user_password_change": Wall.STAFF,
    "telephony_call_note": Wall.STAFF,
}
"""Pages of one model beside those."""

SOCKETS = {
    "media-stream": Wall.TOKEN,
    "outbound-stream": Wall.TOKEN,
    "media-stream/infobip/<str:secret>": Wall.TOKEN,
    "media-stream/browser": Wall.TOKEN,
    "admin/live/socket": Wall.STAFF,
    "^.*$": Wall.OPEN,  # refused before the upgrade
}

TASKS = {
    "agents.tasks.fetch_missed_conversations": Wall.PLATFORM,
    "agents.tasks.fetch_missed_conversations_of": Wall.TENANT,
    "agents.tasks.forget_seen_signatures": Wall.PLATFORM,
    "agents.tasks.process_event": Wall.TENANT,
    "agents.tasks.process_waiting_events": Wall.PLATFORM,
    "appointments.tasks.advance_offers": Wall.PLATFORM,
    "appointments.tasks.forget_answers": Wall.PLATFORM,
    "appointments.tasks.forget_expired_holds": Wall.PLATFORM,
    "appointments.tasks.forget_imports": Wall.PLATFORM,
    "telephony.tasks.delete_at_vendors": Wall.PLATFORM,
    "telephony.tasks.delete_at_vendors_of": Wall.TENANT,
    "telephony.tasks.end_outbound_call": Wall.TENANT,
    "telephony.tasks.fetch_voicemails": Wall.PLATFORM,
    "telephony.tasks.forget_old": Wall.PLATFORM,
    "telephony.tasks.forget_old_of": Wall.TENANT,
    "telephony.tasks.place_outbound_calls": Wall.PLATFORM,
    "telephony.tasks.place_outbound_calls_of": Wall.TENANT,
    "telephony.tasks.place_outbound_call": Wall.TENANT,
    "telephony.tasks.plan_reminders": Wall.PLATFORM,
    "telephony.tasks.plan_reminders_of": Wall.TENANT,
    "telephony.tasks.send_notifications": Wall.PLATFORM,
    "telephony.tasks.send_notifications_of": Wall.TENANT,
    "telephony.tasks.send_code": Wall.TENANT,
    "telephony.tasks.settle_orphans": Wall.PLATFORM,
    "telephony.tasks.sweep_calls": Wall.PLATFORM,
    "telephony.tasks.watch_budgets": Wall.PLATFORM,
    "telephony.tasks.watch_budget_of": Wall.TENANT,
    "tonris.tasks.sign_of_life": Wall.PLATFORM,
}

COMMANDS = dict.fromkeys(
    [
        *("agent_tools", "create_api_key", "doctor", "erase_customer", "media", "migrate", "provision"),
        *(
            "rotate_keys",
            "seed_demo",
            "serve",
            "services",
            "set_apology",
            "set_secret",
            "simulate_agent",
            "simulate_call",
        ),
        *("reset_second_factor", "simulate_vendors", "up", "verify_audit"),
    ],
    Wall.OPERATOR,
)
