"""Every environment variable that TONRIS knows, read once, typed, refusing nonsense.

A checkout without DJANGO_SECRET_KEY is a development checkout: DEBUG is on, secrets are made once and kept
in `.tonris/`, and the agent provider is the simulator that `manage.py up` runs. Production names its own.
"""

import io
import os
import re
import sys
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from tonris import home, openai, theme

BASE_DIR = home.BASE_DIR
env = environ.Env()


def _read_file() -> None:
    """Without it there may be no secret key, and this would be a development checkout: in public, perhaps."""
    named = os.environ.get("TONRIS_ENV_FILE")
    path = Path(named or BASE_DIR / ".env")
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, FileNotFoundError) and not named:
            return
        raise ImproperlyConfigured(f"The settings in {path} cannot be read: {error}") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if not _SETS.match(line):  # which may be a secret: it is not repeated
            raise ImproperlyConfigured(
                f"{path}, line {number}: write NAME=value, without blanks before the ="
            )
    env.read_env(io.StringIO(text))


_SETS = re.compile(r"(export )?\w+=|\s*(#|$)", re.ASCII)
_read_file()


def _base_url(name: str, default: str) -> str:
    """An http(s) URL without its trailing slash."""
    value = env.str(name, default=default).strip().rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ImproperlyConfigured(f"{name} must be an http or https URL, not {value!r}")
    return value


def _number(name: str, default: int, *, least: int = 0, of: str = "") -> int:
    value = env.str(name, default=str(default)).strip()
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} is a number{of}, {least} or more, not {value!r}")
    return int(value)


def _seconds(name: str, default: int) -> int:
    return _number(name, default, of=" of seconds")


def _server_url(name: str, default: str, schemes: Collection[str], example: str) -> str:
    """Where a server is. What is wrong with it is not repeated: there may be a password in it."""
    value = env.str(name, default="").strip() or default
    if value and urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must look like {example}")
    return value


_ON, _OFF = {"1", "true", "on", "yes", "y", "ok"}, {"0", "false", "off", "no", "n", ""}


def _switch(name: str, default: bool) -> bool:
    """On or off. What is neither would be off in silence, and some of these guard a door."""
    value = env.str(name, default="on" if default else "off").strip().lower()
    if value not in {*_ON, *_OFF}:
        raise ImproperlyConfigured(f"{name} is 1 or 0, not {value!r}")
    return value in _ON


def _choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = (env.str(name, default="") or default).strip()
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise ImproperlyConfigured(f"{name} is one of {', '.join(choices)}, not {value!r}")


def _listed(text: str) -> list[str]:
    """What stands between commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _price(name: str, default: str) -> Decimal:
    try:
        value = Decimal(env.str(name, default=default))
    except InvalidOperation:
        value = Decimal(-1)
    if not 0 <= value < 1000:
        raise ImproperlyConfigured(f"{name} is an amount of money, such as {default}")
    return value


# --- Development or production -------------------------------------------------------------------

DEVELOPMENT = not env.str("DJANGO_SECRET_KEY", default="")
DEBUG = _switch("DEBUG", DEVELOPMENT)
if DEVELOPMENT and not DEBUG:
    raise ImproperlyConfigured("DJANGO_SECRET_KEY must be set when DEBUG is off")
_development = home.development_secrets() if DEBUG else {}
_state = home.read_state()


def _development_default(name: str) -> str:
    """What the environment says; in development, where it says nothing, a value kept in `.tonris/`."""
    return env.str(name, default=_development.get(name, ""))


ROLE = env.str("TONRIS_ROLE", default="command")
if ROLE not in {"web", "worker", "migrate", "command"}:
    raise ImproperlyConfigured("TONRIS_ROLE is one of web, worker, migrate, command")

SECRET_KEY = _development_default("DJANGO_SECRET_KEY")
SECRET_KEY_FALLBACKS = _listed(env.str("DJANGO_SECRET_KEY_FALLBACKS", default=""))
FIELD_ENCRYPTION_KEYS = _listed(_development_default("FIELD_ENCRYPTION_KEYS"))
if not FIELD_ENCRYPTION_KEYS:
    raise ImproperlyConfigured(
        "FIELD_ENCRYPTION_KEYS must name at least one Fernet key (comma-separated; the first encrypts)"
    )
for place, key in enumerate(FIELD_ENCRYPTION_KEYS, start=1):
    try:
        Fernet(key)
    except ValueError:  # otherwise every call would find out
        problem = f"FIELD_ENCRYPTION_KEYS: key {place} is no Fernet key; .env.example tells how to make one"
        raise ImproperlyConfigured(problem) from None

# --- Addresses -----------------------------------------------------------------------------------

APP_BASE_URL = _base_url(
    "APP_BASE_URL", _state.get("app_base_url") or f"http://127.0.0.1:{_state.get('http_port', 8000)}"
)
MEDIA_BASE_URL = _base_url("MEDIA_BASE_URL", APP_BASE_URL)
ALLOWED_HOSTS = _listed(env.str("ALLOWED_HOSTS", default="*" if DEBUG else ""))
if not DEBUG and not ALLOWED_HOSTS:
    ALLOWED_HOSTS = [urlsplit(APP_BASE_URL).hostname or ""]
CSRF_TRUSTED_ORIGINS = [APP_BASE_URL] if APP_BASE_URL.startswith("https://") else []

# --- Carriers and agents -------------------------------------------------------------------------

TWILIO_ACCOUNT_SID = _development_default("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = _development_default("TWILIO_AUTH_TOKEN")
# A development checkout that configures nothing of Twilio asks the simulator.
TWILIO_SIMULATED = DEBUG and not {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_BASE_URL"} & set(
    os.environ
)
TWILIO_BASE_URL = _base_url(
    "TWILIO_BASE_URL",
    (_state.get("twilio_base_url") if TWILIO_SIMULATED else None) or "https://api.twilio.com",
)
TWILIO_REQUIRE_STREAM_SIGNATURE = _switch("TWILIO_REQUIRE_STREAM_SIGNATURE", False)

# A development checkout that configures nothing of Infobip calls over the simulator.
INFOBIP_SIMULATED = DEBUG and not {"INFOBIP_API_KEY", "INFOBIP_BASE_URL"} & set(os.environ)
INFOBIP_API_KEY = (
    _development["INFOBIP_API_KEY"] if INFOBIP_SIMULATED else env.str("INFOBIP_API_KEY", default="")
)
INFOBIP_BASE_URL = _base_url(
    "INFOBIP_BASE_URL",
    (_state.get("infobip_base_url") if INFOBIP_SIMULATED else None) or "https://api.infobip.com",
)
INFOBIP_WEBHOOK_SECRET = _development_default("INFOBIP_WEBHOOK_SECRET")
INFOBIP_SEND_SILENCE = _switch("INFOBIP_SEND_SILENCE", True)

# A development checkout that configures nothing of ElevenLabs talks to the simulator.
ELEVENLABS_SIMULATED = DEBUG and not {"ELEVENLABS_API_KEY", "ELEVENLABS_BASE_URL"} & set(os.environ)
ELEVENLABS_API_KEY = (
    _development["ELEVENLABS_API_KEY"] if ELEVENLABS_SIMULATED else env.str("ELEVENLABS_API_KEY", default="")
)
ELEVENLABS_BASE_URL = _base_url(
    "ELEVENLABS_BASE_URL",
    (_state.get("elevenlabs_base_url") if ELEVENLABS_SIMULATED else None) or "https://api.elevenlabs.io",
)
ELEVENLABS_AGENT_ID = env.str("ELEVENLABS_AGENT_ID", default="")
ELEVENLABS_VOICE_ID = env.str("ELEVENLABS_VOICE_ID", default="")
ELEVENLABS_WEBHOOK_SECRET = _development_default("ELEVENLABS_WEBHOOK_SECRET")
ELEVENLABS_SIGNATURE_TOLERANCE_S = _seconds("ELEVENLABS_SIGNATURE_TOLERANCE_S", 300)

# A development checkout that configures nothing of OpenAI talks to the simulator.
OPENAI_SIMULATED = DEBUG and not {"OPENAI_API_KEY", "OPENAI_BASE_URL"} & set(os.environ)
OPENAI_API_KEY = _development["OPENAI_API_KEY"] if OPENAI_SIMULATED else env.str("OPENAI_API_KEY", default="")
OPENAI_BASE_URL = openai.base_url(
    _base_url(
        "OPENAI_BASE_URL",
        (_state.get("openai_base_url") if OPENAI_SIMULATED else None) or "https://api.openai.com/v1",
    )
)
OPENAI_REALTIME_MODEL = env.str("OPENAI_REALTIME_MODEL", default="") or "gpt-realtime-2.1"
SECOND_PROVIDER = env.str("SECOND_PROVIDER", default="") or "auto"
OPENAI_PRICES = openai.prices(env.str("OPENAI_PRICES", default=""))
OPENAI_TRANSCRIPTION_PRICES = openai.transcription_prices(env.str("OPENAI_TRANSCRIPTION_PRICES", default=""))

ALLOW_UNSIGNED_WEBHOOKS = _switch("ALLOW_UNSIGNED_WEBHOOKS", False) and DEBUG

# --- Calls ---------------------------------------------------------------------------------------

STREAM_TOKEN_SECONDS = 60
STREAM_START_SECONDS = 3
MAX_CALL_SECONDS = _seconds("MAX_CALL_SECONDS", 3600)
CALL_PRICE_PER_MINUTE = _price("CALL_PRICE_PER_MINUTE", "0.15")
MAX_SILENT_SECONDS = _seconds("MAX_SILENT_SECONDS", 180)
MEDIA_FAST_LANE = _switch("MEDIA_FAST_LANE", True)
MEDIA_PUMP = _switch("MEDIA_PUMP", True)
DRAIN_SECONDS = _seconds("DRAIN_SECONDS", 900)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- Django --------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",  # first, so that `runserver` speaks ASGI
    "unfold",  # before the admin, whose templates it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "tenants",
    "appointments",
    "agents",
    "telephony",
    "tonris",
]
if ROLE == "worker":
    INSTALLED_APPS.remove("daphne")  # it starts Twisted's reactor, which a worker has no use for

MIDDLEWARE = [
    "tonris.health.answer_probes",  # before the host check: probes come by address
    "tonris.responses.json_for_programs",
    "tonris.content_policy.say_what_pages_may_load",
    "tenants.audit.actors.each_request",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
CSRF_FAILURE_VIEW = "tonris.responses.stale"
APPEND_SLASH = False  # a redirect would break the signature of a webhook; admin sites append their own
ROOT_URLCONF = "tonris.urls"
ASGI_APPLICATION = "tonris.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "tonris" / "templates" / "first"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
AUTH_USER_MODEL = "tenants.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# Second factors are django-allauth's; its pages are not mounted, and nobody signs up.
OPERATORS_NEED_SECOND_FACTOR = not DEBUG
if env.str("OPERATORS_NEED_SECOND_FACTOR", default=""):  # left empty, it must not open the door
    OPERATORS_NEED_SECOND_FACTOR = _switch("OPERATORS_NEED_SECOND_FACTOR", True)
ACCOUNT_ADAPTER = "tenants.second_factor.adapters.ClosedAccounts"
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "tenants.second_factor.adapters.SealedSecrets"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1  # clocks of telephones differ
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(home.home() / "media")))
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # webhook bodies; larger uploads go through files

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if APP_BASE_URL.startswith("https://") else None
SECURE_SSL_REDIRECT = False  # the proxy's work; a redirected webhook would fail its signature
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # a working day
if not DEBUG:  # browsers take these from this very host over TLS, and from nobody else
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # SECURE_SSL_REDIRECT: see above

# --- PostgreSQL ----------------------------------------------------------------------------------


DATABASE_POOL_SIZE = _number("DATABASE_POOL_SIZE", 10, least=1)
DATABASE_POOL: dict[str, Any] = {
    "min_size": min(2, DATABASE_POOL_SIZE),
    "max_size": DATABASE_POOL_SIZE,
    "timeout": 3,
    # A pool that cannot connect tries again at longer and longer distances, up to minutes, and nobody is served when
    # the server is back. This one tries for the last time before whoever came first gives up; who comes next makes it
    # begin anew.
    "reconnect_timeout": 2.5,
}
POSTGRES = {
    "schemes": environ.Env.POSTGRES_FAMILY,
    "example": "postgresql://user:password@host:5432/database",
}
DATABASE_URL = _server_url("DATABASE_URL", _state.get("database_url", ""), **POSTGRES)
DATABASE_OWNER_URL = _server_url("DATABASE_OWNER_URL", _state.get("database_owner_url", ""), **POSTGRES)


def _database() -> dict[str, Any]:
    """The application role, except for migrations, which only the owner of the tables can run."""
    url = DATABASE_OWNER_URL if ROLE == "migrate" and DATABASE_OWNER_URL else DATABASE_URL
    config: dict[str, Any] = dict(environ.Env.db_url_config(url or "postgres://127.0.0.1/tonris"))
    config["ENGINE"] = "django.db.backends.postgresql"
    config["CONN_HEALTH_CHECKS"] = True
    options: dict[str, Any] = config.setdefault("OPTIONS", {})
    options |= {"connect_timeout": 3, "keepalives_idle": 10, "tcp_user_timeout": 5000}
    # Only the statements that ask to be prepared are (appointments/statements.py), and planned once.
    options |= {"prepare_threshold": 0, "options": "-c plan_cache_mode=force_generic_plan"}
    if ROLE == "web":
        # A caller waits behind every query: Twilio gives up after fifteen seconds.
        options["options"] += " -c statement_timeout=5s -c lock_timeout=3s"
        # One thread a request and persistent connections would leave one connection a thread behind.
        options["pool"] = DATABASE_POOL
    elif ROLE == "worker":
        config["CONN_MAX_AGE"] = 600  # Celery would make and drop a pool with every task
    return config


DATABASES = {"default": _database()}

# --- Redis and Celery ----------------------------------------------------------------------------

REDIS_URL = _server_url(
    "REDIS_URL",
    _state.get("redis_url", "redis://127.0.0.1:6379/0"),
    {"redis", "rediss"},  # Celery knows no other
    "redis://:password@host:6379/0",
)
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_interval": 10,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_TASK_PUBLISH_RETRY = False  # rows are the record; a sweep publishes again what Redis missed
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"


def _each(seconds: float, task: str) -> dict[str, Any]:
    """After a night without a worker thousands of the same wait: of those older than an hour none is done."""
    return {"task": task, "schedule": seconds, "options": {"expires": 3600}}


CELERY_BEAT_SCHEDULER = "tonris.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "process-waiting-events": _each(60.0, "agents.tasks.process_waiting_events"),
    "advance-offers": _each(30.0, "appointments.tasks.advance_offers"),
    "forget-expired-holds": _each(300.0, "appointments.tasks.forget_expired_holds"),
    "forget-imports": _each(300.0, "appointments.tasks.forget_imports"),
    "forget-answers": _each(3600.0, "appointments.tasks.forget_answers"),
    "send-notifications": _each(5.0, "telephony.tasks.send_notifications"),
    "place-outbound-calls": _each(5.0, "telephony.tasks.place_outbound_calls"),
    "plan-reminders": _each(60.0, "telephony.tasks.plan_reminders"),
    "settle-orphans": _each(30.0, "telephony.tasks.settle_orphans"),
    "watch-budgets": _each(60.0, "telephony.tasks.watch_budgets"),
    "sign-of-life": _each(15.0, "tonris.tasks.sign_of_life"),
    "fetch-voicemails": _each(20.0, "telephony.tasks.fetch_voicemails"),
    "sweep-calls": _each(30.0, "telephony.tasks.sweep_calls"),
    "forget-seen-signatures": _each(3600.0, "agents.tasks.forget_seen_signatures"),
    "delete-at-vendors": _each(60.0, "telephony.tasks.delete_at_vendors"),
    "forget-old": _each(3600.0, "telephony.tasks.forget_old"),
    "fetch-missed-conversations": {
        "task": "agents.tasks.fetch_missed_conversations",
        "schedule": crontab(hour=3, minute=20),
    },
}

# --- Mail ----------------------------------------------------------------------------------------

EMAIL_URL = env.str("EMAIL_URL", default="")
EMAIL_CONFIGURED = bool(EMAIL_URL) or DEBUG
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default=f"noreply@{urlsplit(APP_BASE_URL).hostname or 'localhost'}"
)
EMAIL_TIMEOUT = 10
if EMAIL_URL:
    vars().update(env.email_url("EMAIL_URL"))
else:  # a development checkout writes mails to files; elsewhere none is sent
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(home.home() / "mail")

# --- REST framework ------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tonris.negotiation.OurOwnForm",
    "URL_FORMAT_OVERRIDE": None,  # a parameter named `format` is like any other
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tenants.outages.answer_errors",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "TONRIS",
    "DESCRIPTION": "Webhooks, agent tools and the REST API of the AI phone receptionist.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
}

# --- The admins ----------------------------------------------------------------------------------

UNFOLD = theme.unfold(
    title="TONRIS",
    navigation="tonris.desk.navigation.of_staff",
    dashboard="tonris.desk.dashboard.of_staff",
)
UNFOLD_OPS = theme.unfold(
    title="TONRIS operations",
    navigation="tonris.desk.navigation.of_operators",
    dashboard="tonris.desk.businesses.overview",
)

# --- Logs ----------------------------------------------------------------------------------------

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_LEVEL = _choice("LOG_LEVEL", "INFO", LOG_LEVELS)
# At INFO tasks print three lines each, thirty megabytes a day where nothing happens: what matters is rotated away.
TASKS_LOG_LEVEL = "WARNING" if LOG_LEVEL == "INFO" else LOG_LEVEL
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "tenants.log_context.ContextFilter"}},
    "formatters": {
        "text": {"()": "tenants.log_context.TextFormatter"},
        "json": {"()": "tenants.log_context.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "filters": ["context"],
            "formatter": _choice("LOG_FORMAT", "text" if DEBUG else "json", ("text", "json")),
        },
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "celery.app.trace": {"level": TASKS_LOG_LEVEL},
        "celery.beat": {"level": TASKS_LOG_LEVEL},
        "celery.worker.strategy": {"level": TASKS_LOG_LEVEL},
        "httpx2": {"level": "WARNING"},
        "psycopg.pool": {"level": "WARNING"},  # at INFO it prints three lines for each trip
        "websockets": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},  # at INFO it prints WebSocket paths with their query strings
    },
}
