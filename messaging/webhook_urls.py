from django.urls import path

from messaging import webhooks

urlpatterns = [
    path("sms/webhooks/twilio/status", webhooks.twilio_status, name="twilio_status"),
]
