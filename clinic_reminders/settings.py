"""All settings, from the environment and `.env`. System checks tell what is missing or contradicts."""

import os
from datetime import timedelta
from pathlib import Path
from zoneinfo import available_timezones

import environ
from corsheaders.defaults import default_headers
from django.conf.locale import LANG_INFO
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from clinic_reminders.environment import Environment
from clinic_reminders.home import BASE_DIR, ENV_FILE, HOME_DIR, VAR_DIR
from clinic_reminders.theme import UNFOLD  # noqa: F401  (the admin's theme reads it)

env = environ.Env()
env.prefix = ""
environ.Env.read_env(ENV_FILE)
given = Environment(os.environ)

# Empty is refused by the check clinic_reminders.E001 with the mend; Django's own error names neither.
SECRET_KEY = env.str("SECRET_KEY", default="")
DEBUG = given.switch("DEBUG", default=False)
ALLOWED_HOSTS = given.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = given.origins("CSRF_TRUSTED_ORIGINS")
CORS_ALLOWED_ORIGINS = given.origins("CORS_ALLOWED_ORIGINS")
PUBLIC_BASE_URL = given.web_address("PUBLIC_BASE_URL")
HTTPS_REQUIRED = given.switch("HTTPS_REQUIRED", default=not DEBUG)
# Of these alone is believed what they say of a request: whose it is, and that it came by HTTPS.
TRUSTED_PROXIES = given.networks("TRUSTED_PROXIES")

INSTALLED_APPS = [
    # Before the admin: its templates stand in for the admin's.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "clinic_reminders.admin_app.ClinicRemindersAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_q",
    "axes",
    "csp",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "import_export",
    "common",
    "accounts",
    "messaging",
    "appointments",
    "stock",
    "clinic_reminders",
]

MIDDLEWARE = [
    "common.request_id.RequestIdMiddleware",
    "common.language.LanguageMiddleware",
    "common.client_address.TrustedProxyMiddleware",
    "common.request_log.RequestLogMiddleware",
    "common.rest.door.EnvelopeMiddleware",
    "common.plain_requests.NoNulMiddleware",
    "common.rest.door.OneAddressMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.language.PreferredLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "clinic_reminders.urls"
WSGI_APPLICATION = "clinic_reminders.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

# Database

DATABASES = {"default": given.database("DATABASE_URL", default=VAR_DIR / "db.sqlite3", home=HOME_DIR)}
_database = DATABASES["default"]
# Persistent connections are worth ten times the throughput in the worker, on SQLite too.
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        # A writer takes its lock when it begins: two that read first and write later would
        # deadlock, and SQLite's busy timeout does not cover that.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL, not NORMAL: after a power cut a lost commit would be a text sent twice.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;",
    }
    _database["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    # To compile a page's query takes longer than to run it. What DATABASE_URL gives comes after, and wins.
    _options = _database.setdefault("OPTIONS", {})
    _options["options"] = f"-c jit=off {_options.get('options', '')}".rstrip()
# Beside the site's file, which has one writer: counting must not wait for that.
_sqlite_file = Path(_database["NAME"]) if _database["NAME"] != ":memory:" else VAR_DIR / "memory.sqlite3"
_CACHE_FILE = _sqlite_file.with_name(f"{_sqlite_file.stem}-cache.sqlite3")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sign-in

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.RoleBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_RATE_LIMIT = given.rate("LOGIN_RATE_LIMIT", "5/m")
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
# By address alone a whole clinic behind one router would be locked out for one person's typing.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "common.client_address.counted_address"
AXES_HANDLER = "accounts.sign_in_limit.FailureLimit"
AXES_ENABLED = LOGIN_RATE_LIMIT is not None
AXES_FAILURE_LIMIT = int((LOGIN_RATE_LIMIT or "5/m").partition("/")[0])
AXES_COOLOFF_TIME = "accounts.sign_in_limit.closed_for"
AXES_RESET_ON_SUCCESS = True
# The time that was told is the time it takes: trying meanwhile does not make it longer.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_TEMPLATE = "locked_out.html"
AXES_VERBOSE = False

# The link in a mail for a new password.
PASSWORD_RESET_TIMEOUT = 60 * 60

# Mail

_mail = given.mail("EMAIL_URL")
MAIL_IS_SET_UP = bool(_mail)
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")
EMAIL_HOST = _mail.get("EMAIL_HOST", "localhost")
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_PORT = _mail.get("EMAIL_PORT") or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_FILE_PATH = _mail.get("EMAIL_FILE_PATH")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="") or (
    EMAIL_HOST_USER if "@" in EMAIL_HOST_USER else "clinic-reminders@localhost"
)

# API

API_RATE_LIMIT = given.rate("API_RATE_LIMIT", "100/m")
SLOW_REQUEST_SECONDS = given.whole_number("SLOW_REQUEST_SECONDS", 1, at_least=0)
# Whether a list may be taken along as a file: accounts.access.may asks the role.
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerToken",
        "accounts.api.authentication.ApiKeyHeader",
    ],
    # A view that says no `kind` is closed.
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.RoleAllows"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.rest.reading.JsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "common.rest.reading.AlwaysJson",
    "DEFAULT_PAGINATION_CLASS": "common.rest.pagination.PageOrCursor",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "common.rest.schema.ApiSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "common.rest.errors.exception_handler",
    # `format` is a parameter of the reports.
    "URL_FORMAT_OVERRIDE": None,
    "COERCE_DECIMAL_TO_STRING": False,
}
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=15), "REFRESH_TOKEN_LIFETIME": timedelta(days=7)}
SPECTACULAR_SETTINGS = {
    "TITLE": "Clinic Reminders",
    "VERSION": "1",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "clinic_reminders.api_description.add_other_calls",
    ],
    "ENUM_NAME_OVERRIDES": {
        "Language": "accounts.models.Language",
        "AppointmentStatus": "appointments.models.AppointmentStatus",
        "MessageStatus": "messaging.models.MessageStatus",
        "TemplateKey": "messaging.models.TemplateKey",
        "StockStatus": "stock.models.StockStatus",
        "MovementKind": "stock.models.MovementKind",
        "OrderState": "stock.models.OrderState",
        "TransferState": "stock.models.TransferState",
        "AlertStatus": "stock.models.AlertStatus",
        "AlertKind": "stock.models.AlertKind",
    },
}
CORS_URLS_REGEX = r"^/api(/|$)"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "x-request-id"]
CORS_EXPOSE_HEADERS = [
    *("X-Request-ID", "Retry-After", "Idempotency-Replayed"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
]

# Language and time

LANGUAGE_CODE = "en"
# Django knows no Setswana; its own words fall back to English.
LANGUAGES = [("en", _("English")), ("tn", _("Setswana"))]
LANG_INFO["tn"] = {"bidi": False, "code": "tn", "name": "Setswana", "name_local": "Setswana"}
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "clinic_reminders.formats"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
# As given: one that is unknown is refused by a check with the mend, where Django's own error has none.
TIME_ZONE_GIVEN = env.str("TIME_ZONE", default="Africa/Gaborone")
TIME_ZONE = TIME_ZONE_GIVEN if TIME_ZONE_GIVEN in available_timezones() else "Africa/Gaborone"
USE_TZ = True
USE_I18N = True
PHONE_REGION = "BW"

# Pages

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
# A file is refused above 20 MB by the import itself, which can say so in words.
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS_REQUIRED
# Who asks whether the site is alive asks the machine itself, past the proxy.
SECURE_REDIRECT_EXEMPT = [r"^(api/v1/)?(healthz|readyz|metrics)/?$"]
# Believed of TRUSTED_PROXIES alone: of anyone else the header is dropped before it is read.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_REQUIRED else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_REQUIRED
SECURE_HSTS_PRELOAD = HTTPS_REQUIRED
SESSION_COOKIE_SECURE = HTTPS_REQUIRED
CSRF_COOKIE_SECURE = HTTPS_REQUIRED
LANGUAGE_COOKIE_SECURE = HTTPS_REQUIRED
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# Messages

SMS_PROVIDERS = given.words("SMS_PROVIDERS", ["console"])
SMS_SENDING_ENABLED = given.switch("SMS_SENDING_ENABLED", default=True)
SMS_MAX_PER_SECOND = given.rates("SMS_MAX_PER_SECOND")
SMS_BALANCE_WARNING = given.rates("SMS_BALANCE_WARNING")
SMS_LOOKUP_GRACE_SECONDS = given.whole_number("SMS_LOOKUP_GRACE_SECONDS", 60, at_least=0)
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")
TWILIO_FROM = env.str("TWILIO_FROM", default="")
TWILIO_MESSAGING_SERVICE_SID = env.str("TWILIO_MESSAGING_SERVICE_SID", default="")
TWILIO_API_BASE_URL = env.str("TWILIO_API_BASE_URL", default="") or "https://api.twilio.com"
SMSGATE_BASE_URL = env.str("SMSGATE_BASE_URL", default="")
SMSGATE_USERNAME = env.str("SMSGATE_USERNAME", default="")
SMSGATE_PASSWORD = env.str("SMSGATE_PASSWORD", default="")
SMSGATE_WEBHOOK_SECRET = env.str("SMSGATE_WEBHOOK_SECRET", default="")
SMS_PRICE_PER_PART = given.prices("SMS_PRICE_PER_PART")
MESSAGE_RETENTION_DAYS = given.whole_number("MESSAGE_RETENTION_DAYS", 730, at_least=0)
SMS_PATIENT_DAILY_LIMIT = given.whole_number("SMS_PATIENT_DAILY_LIMIT", 3, at_least=1)

# Stock

STOCK_ALERT_REMIND_HOURS = given.whole_number("STOCK_ALERT_REMIND_HOURS", 48, at_least=1)
STOCK_ALERT_ESCALATE_HOURS = given.whole_number("STOCK_ALERT_ESCALATE_HOURS", 120, at_least=1)

# Scheduled work. The table of messages is the queue; a task is only a nudge to look at it.

Q_CLUSTER = {
    "name": "clinic-reminders",
    "orm": "default",
    "workers": 2,
    "timeout": 60,
    # retry > timeout × (1 + ceil((queue_limit + bulk) / workers)): a prefetched task's clock runs already.
    "retry": 300,
    "queue_limit": 4,
    "bulk": 1,
    "max_attempts": 3,
    "catch_up": False,
    "save_limit": -1,
    "recycle": 500,
    "max_rss": 200_000,
    "cache": "task_queue",
    "label": _("Background tasks"),
}

# Counts and whatever else all processes share. Never a process's own memory: each would count for itself.

REDIS_URL = given.redis("REDIS_URL")
_REDIS = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": REDIS_URL,
    "KEY_PREFIX": "clinic-reminders",
    # A Redis that is gone must not hold every request.
    "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
}
_IN_THE_DATABASE = {
    "BACKEND": "common.shared_cache.SharedCache",
    "LOCATION": str(_CACHE_FILE) if _database["ENGINE"] == "django.db.backends.sqlite3" else "",
}
CACHES = {
    "default": _REDIS if REDIS_URL else _IN_THE_DATABASE,
    # The cluster writes its statistics twice a second; nothing here reads them.
    "task_queue": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
}

# Logs

LOG_FORMAT = env.str("LOG_FORMAT", default="console")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
_LOG_FORMATTERS = {
    "console": {
        "()": "common.logs.DiscreetFormatter",
        "fmt": "{asctime} {levelname} {request_id} {name}: {message}",
        "style": "{",
    },
    "json": {"()": "common.logs.JsonFormatter"},
}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": _LOG_FORMATTERS,
    "filters": {"request_id": {"()": "common.request_id.RequestIdFilter"}},
    # A value that is neither is refused by a check, which needs a working log.
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id"],
            "formatter": LOG_FORMAT if LOG_FORMAT in _LOG_FORMATTERS else "console",
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL if LOG_LEVEL in LOG_LEVELS else "INFO"},
}

SENTRY_DSN = given.sentry("SENTRY_DSN")

# What is wrong with the variables read above, and the mend: a check refuses them.
SETTINGS_PROBLEMS = given.problems
