"""A third party's provider that is called back: it believes who knows the word."""

from messaging.providers.base import ForgedWebhook, InboundText, StatusReport, WebhookCall
from tests.messaging.scripted_provider import ScriptedProvider


class CalledProvider(ScriptedProvider):
    name = "called"

    @classmethod
    def read_webhook(cls, kind: str, call: WebhookCall) -> list[StatusReport | InboundText]:
        if call.header("x-WORD") != "sesame":
            raise ForgedWebhook
        body = call.body.decode()
        if kind == "replies":
            return [InboundText("in-1", "+26771234567", body)]
        return [StatusReport(number, "delivered") for number in body.split()]
