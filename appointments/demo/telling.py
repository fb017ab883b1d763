"""What was made, in plain lines for a terminal."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appointments.demo.seeding import SampleImport
from appointments.demo.sign_ins import PasswordState, SignIn

_NOTES = {
    PasswordState.REPLACED: gettext_lazy(
        "new: others can reach this address, so the well-known password was replaced"
    ),
    PasswordState.OWN: gettext_lazy(
        "changed by somebody, not known here; `manage.py changepassword` sets another"
    ),
}


def of_sample(sample: SampleImport | None) -> list[str]:
    if sample is None:
        return [_("The sample file was imported before; it is left as it is.")]
    report = sample.report
    return [
        _("The sample file %(path)s was imported: %(rows)d rows.")
        % {"path": sample.path, "rows": report.rows},
        f"  created {report.created}, updated {report.updated}, "
        f"unchanged {report.unchanged}, rejected {report.rejected}",
        *(
            f"  rejected line {item.record.line}, {item.column}: {item.reason} [{item.code}]"
            for item in sample.rejected
        ),
    ]


def of_sign_ins(sign_ins: Sequence[SignIn]) -> list[str]:
    lines = [f"  {_('user'):<11} {_('password'):<20} {_('role'):<7} {_('clinics')}"]
    for one in sign_ins:
        clinics = _("all") if one.role == "admin" else ", ".join(one.clinics) or _("none")
        password = one.password or "?"
        lines.append(f"  {one.username:<11} {password:<20} {one.role or '-':<7} {clinics}")
        if not one.is_active:
            lines.append("    " + _("switched off: this person can't sign in"))
        elif one.state in _NOTES:
            lines.append(f"    {_NOTES[one.state]}")
    return lines
