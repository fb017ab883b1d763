from django.urls import path

from messaging import webhooks

TWILIO = {"name": "twilio"}

urlpatterns = [
    path("sms/webhooks/twilio/status", webhooks.from_shipped, {**TWILIO, "kind": "status"}),
    path(
        "sms/webhooks/twilio/inbound",
        webhooks.from_shipped,
        {**TWILIO, "kind": "inbound"},
        name="twilio_inbound",
    ),
    path("sms/webhooks/smsgate", webhooks.from_shipped, {"name": "smsgate"}, name="smsgate_webhook"),
    path("sms/webhooks/other/<str:name>", webhooks.from_other),
    path("sms/webhooks/other/<str:name>/<str:kind>", webhooks.from_other),
]
