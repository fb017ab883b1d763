from collections.abc import Iterable
from typing import Any

import factory
from factory.django import DjangoModelFactory, Password

from accounts.models import Clinic, Role, User

PASSWORD = "a-long-enough-password"


class ClinicFactory(DjangoModelFactory[Clinic]):
    class Meta:
        model = Clinic

    code = factory.Sequence(lambda n: f"CL{n:03d}")
    name = factory.Sequence(lambda n: f"Clinic {n}")
    phone = factory.Sequence(lambda n: f"+2673{n:06d}")


class UserFactory(DjangoModelFactory[User]):
    """Signs in with PASSWORD. `clinics` is a list of clinics; only an admin sees anything without."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = Password(PASSWORD)

    @factory.post_generation
    def clinics(self: User, create: bool, extracted: Iterable[Clinic] | None, **_: Any) -> None:
        if create and extracted:
            self.clinics.set(extracted)


class AdminFactory(UserFactory):
    username = factory.Sequence(lambda n: f"admin{n}")
    role = Role.ADMIN


class StaffFactory(UserFactory):
    username = factory.Sequence(lambda n: f"nurse{n}")
    role = Role.STAFF


class ViewerFactory(UserFactory):
    username = factory.Sequence(lambda n: f"viewer{n}")
    role = Role.VIEWER
