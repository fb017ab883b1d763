"""The site's own settings, in an environment made for tests: whatever a developer's `.env` says."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# A file, not memory: several processes use one database at once. Made by the first process; those that
# it starts find DATABASE_URL set.
if not os.environ.get("DATABASE_URL"):
    _directory = tempfile.mkdtemp(prefix="clinic-reminders-tests-")
    atexit.register(shutil.rmtree, _directory, ignore_errors=True)
    os.environ["DATABASE_URL"] = f"sqlite:///{_directory}/db.sqlite3"

os.environ.update(
    SECRET_KEY="only-for-tests-and-not-a-secret-at-all-0123456789",
    DEBUG="off",
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    HTTPS_REQUIRED="off",
    CSRF_TRUSTED_ORIGINS="",
    PUBLIC_BASE_URL="",
    TIME_ZONE="Africa/Gaborone",
    LOG_FORMAT="console",
    REDIS_URL="",
    API_RATE_LIMIT="0",
    LOGIN_RATE_LIMIT="",
    TRUSTED_PROXIES="",
    SENTRY_DSN="",
    SMS_PROVIDERS="console",
    SMS_SENDING_ENABLED="on",
    SMS_MAX_PER_SECOND="",
    SMS_LOOKUP_GRACE_SECONDS="60",
    SMS_PATIENT_DAILY_LIMIT="3",
    MESSAGE_RETENTION_DAYS="730",
    CORS_ALLOWED_ORIGINS="",
    SMS_PRICE_PER_PART="",
    TWILIO_ACCOUNT_SID="",
    TWILIO_AUTH_TOKEN="",
    TWILIO_FROM="",
    TWILIO_MESSAGING_SERVICE_SID="",
    TWILIO_API_BASE_URL="",
    SMSGATE_BASE_URL="",
    SMSGATE_USERNAME="",
    SMSGATE_PASSWORD="",
    SMSGATE_WEBHOOK_SECRET="",
    EMAIL_URL="",
    EMAIL_FROM="",
    STOCK_ALERT_REMIND_HOURS="",
    STOCK_ALERT_ESCALATE_HOURS="",
)

from clinic_reminders.settings import *  # noqa: F403
from clinic_reminders.settings import CACHES, DATABASES

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(Path(DATABASES["default"]["NAME"]).with_name("test.sqlite3"))}
    # One for each process of tests: they empty it.
    CACHES["default"]["LOCATION"] += os.environ.get("PYTEST_XDIST_WORKER", "")

# Argon2 is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Static files straight from the apps: nothing is collected for a test.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
