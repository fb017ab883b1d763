"""`make run`: the site with demo data on this machine, until Ctrl-C."""

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

import environ

from clinic_reminders.home import ENV_FILE, VAR_DIR
from clinic_reminders.local.address import Address, AddressRefused
from clinic_reminders.local.environment import ensure_secret_key, settings_for
from clinic_reminders.local.site import Site, SiteFailed, say

if TYPE_CHECKING:
    from appointments.demo.seeding import Seeded


def main() -> int:
    try:
        address = Address.from_environment(os.environ)
        address.refuse_if_taken()
        set_environment(address)
        seeded = prepare(address)
        site = Site(address)
        site.run(when_up=lambda: tell(address, seeded))
    except (AddressRefused, SiteFailed) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say()
        return 130
    say("Stopped.")
    return 0


def set_environment(address: Address) -> None:
    if ensure_secret_key(ENV_FILE, os.environ):
        say(f"A random SECRET_KEY was written to {ENV_FILE}.")
    environ.Env.read_env(ENV_FILE)
    os.environ.update(settings_for(address, os.environ))
    keep_to_owner()
    VAR_DIR.joinpath("static").mkdir(parents=True, exist_ok=True)


def keep_to_owner() -> None:
    """Patients' data lie in `var/`: its owner alone may read it, and all that this run's processes write."""
    os.umask(0o077)
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    # An earlier run may have left it open to all. What is another person's is theirs to close.
    with contextlib.suppress(PermissionError):
        VAR_DIR.chmod(0o700)
        for file in VAR_DIR.iterdir():
            if file.is_file() and not file.is_symlink():
                file.chmod(0o600)


def prepare(address: Address) -> "Seeded":
    """Checks, database, demo data; where others can reach the site, static files too."""
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command
    from django.core.management.base import SystemCheckError
    from django.db import OperationalError
    from django.utils import timezone

    from common.errors import DomainError

    if not address.is_loopback:
        warn(address)
    try:
        django.setup()
        from appointments.demo.seeding import seed

        # Warnings are shown by the web server; what stops the site is shown here.
        call_command("check", stdout=io.StringIO(), stderr=io.StringIO())
        say("Preparing the database.")
        call_command("migrate", interactive=False, verbosity=0)
        if not address.is_loopback:
            call_command("collectstatic", interactive=False, verbosity=0)
        return seed(VAR_DIR, public=not address.is_loopback, now=timezone.now())
    except (SystemCheckError, CommandError, ImproperlyConfigured) as error:
        raise SiteFailed(str(error)) from None
    except OperationalError as error:
        raise SiteFailed(f"The database that DATABASE_URL names can't be used: {error}") from None
    except DomainError as error:
        raise SiteFailed(error.message) from None


def warn(address: Address) -> None:
    say("!" * 78)
    say(f"HOST is {address.host}: other machines can reach this site.")
    say("HTTPS_REQUIRED is off: passwords and patients' data cross the network unencrypted.")
    say("Use this on a clinic's own closed network only, or to try the site out.")
    say("DEBUG is off, and the demo people's passwords are random.")
    say("!" * 78)


def tell(address: Address, seeded: "Seeded") -> None:
    from appointments.demo.telling import of_sample, of_sign_ins

    urls = address.urls()
    say()
    for line in of_sample(seeded.sample):
        say(line)
    say()
    say(f"Clinic Reminders is at {'  '.join(urls)}")
    say()
    say("Sign in as:")
    for line in of_sign_ins(seeded.sign_ins):
        say(line)
    say()
    say("Sent messages are shown in this window, as “SMS to …” (the first within a minute),")
    say(f"and in the admin under Messages: {urls[0]}admin/messaging/message/")
    if not address.is_loopback:
        say("Here the window shows phones masked and no texts. No patient is told: SMS_PROVIDERS is console.")
    say()
    say("Ctrl-C stops the site.")
    say()


if __name__ == "__main__":
    sys.exit(main())
