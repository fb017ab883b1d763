"""A provider at the network's edge that answers as a test says, and notes what it was given."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from messaging.providers.base import CannotTell, Outcome, OutgoingText, Provider, Result, StatusReport


class ScriptedProvider(Provider):
    name = "scripted"
    given: ClassVar[list[OutgoingText]] = []
    answers: ClassVar[dict[str, Outcome | Exception]] = {}
    # Called before each answer, as if the world moved on meanwhile.
    meanwhile: ClassVar[Callable[[], None] | None] = None

    @classmethod
    def is_local(cls) -> bool:
        return True

    @classmethod
    def reset(cls) -> None:
        cls.given, cls.answers, cls.meanwhile = [], {}, None

    async def send(self, text: OutgoingText) -> Outcome:
        type(self).given.append(text)
        if self.meanwhile is not None:
            self.meanwhile()
        answer = self.answers.get(text.to)
        if isinstance(answer, Exception):
            raise answer
        return answer or Outcome(Result.ACCEPTED, provider_message_id=f"scripted-{len(self.given)}")


class AnsweringProvider(ScriptedProvider):
    """Can be asked what it has: `has` maps a phone to its reports, None to no answer."""

    name = "answering"
    can_look_up = True
    has: ClassVar[dict[str, list[StatusReport] | None]] = {}

    @classmethod
    def reset(cls) -> None:
        super().reset()
        cls.has = {}

    async def look_up(self, text: OutgoingText, *, since: datetime) -> list[StatusReport]:  # noqa: ARG002
        reports = self.has.get(text.to, [])
        if reports is None:
            raise CannotTell
        return reports


class SecondProvider(ScriptedProvider):
    name = "second"
