"""One "now" for tests that count from it, however long after it they run."""

from django.utils import timezone

NOW = timezone.now()
