import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic_reminders.settings")

application = get_wsgi_application()

# After the set-up, which it needs. A server runs no command, so nothing else would check.
from common.checks import refuse_bad_settings  # noqa: E402

refuse_bad_settings()
