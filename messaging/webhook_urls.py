"""Included below each of the API's base paths."""

from django.urls import re_path

from messaging import webhooks

urlpatterns = [
    re_path(r"^sms/webhooks/twilio/status/?$", webhooks.twilio_status, name="twilio_status"),
]
