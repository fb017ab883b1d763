import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from gunicorn.errors import AppImportError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic_reminders.settings")

django_application = get_wsgi_application()

# After the set-up, which it needs. A server runs no command, so nothing else would check.
from common.checks import refuse_bad_settings  # noqa: E402
from common.chunked_bodies import with_their_length  # noqa: E402

application = with_their_length(django_application)

try:
    refuse_bad_settings()
except ImproperlyConfigured as error:
    # Of this kind gunicorn prints the words alone, and does not start its workers again and again.
    raise AppImportError(str(error)) from None
