"""A provider at the network's edge that answers as a test says, and notes what it was given."""

from typing import ClassVar

from messaging.providers.base import Outcome, OutgoingText, Provider, Result

ACCEPT = object()


class ScriptedProvider(Provider):
    name = "scripted"
    is_local = True
    given: ClassVar[list[OutgoingText]] = []
    answers: ClassVar[dict[str, object]] = {}
    # Called before each answer, as if the world moved on meanwhile.
    meanwhile: ClassVar[object] = None

    @classmethod
    def reset(cls) -> None:
        cls.given, cls.answers, cls.meanwhile = [], {}, None

    async def send(self, text: OutgoingText) -> Outcome:
        type(self).given.append(text)
        if callable(self.meanwhile):
            self.meanwhile()
        answer = self.answers.get(text.to, ACCEPT)
        if answer is ACCEPT:
            return Outcome(Result.ACCEPTED, provider_message_id=f"scripted-{len(self.given)}")
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Outcome)
        return answer
