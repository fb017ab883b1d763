"""Fields that we declare ourselves, in the theme that a model's own fields have."""

from collections.abc import Mapping

from django import forms
from django.contrib.admin.widgets import AutocompleteMixin, RelatedFieldWidgetWrapper
from django.forms.widgets import Input
from unfold.widgets import (
    BASE_INPUT_CLASSES,
    CHECKBOX_CLASSES,
    INPUT_CLASSES,
    RADIO_CLASSES,
    SELECT_CLASSES,
    TEXTAREA_CLASSES,
    UnfoldAdminImageFieldWidget,
)

# The first that fits.
CLASSES: list[tuple[tuple[type[forms.Widget], ...], list[str]]] = [
    ((forms.RadioSelect,), RADIO_CLASSES),
    ((forms.CheckboxInput, forms.CheckboxSelectMultiple), CHECKBOX_CLASSES),
    ((forms.Select,), SELECT_CLASSES),
    ((forms.Textarea,), TEXTAREA_CLASSES),
    ((forms.DateInput, forms.TimeInput, forms.NumberInput), [*BASE_INPUT_CLASSES, "max-w-sm"]),
    ((Input,), INPUT_CLASSES),
]


class FileChoice(UnfoldAdminImageFieldWidget):
    """A file to upload, as the theme shows it: its script fails on any other."""


def dress(fields: Mapping[str, forms.Field]) -> None:
    """Gives each field's widget the theme's classes, where it has none yet."""
    for field in fields.values():
        _dress(field.widget)


def _dress(widget: forms.Widget) -> None:
    if isinstance(widget, RelatedFieldWidgetWrapper):
        _dress(widget.widget)
    elif isinstance(widget, forms.MultiWidget):
        for part in widget.widgets:
            _dress(part)
    elif not widget.is_hidden and not isinstance(widget, AutocompleteMixin | FileChoice):
        found = next((classes for kinds, classes in CLASSES if isinstance(widget, kinds)), None)
        given = widget.attrs.get("class", "")
        if found is not None and "appearance-none" not in given and "border-base" not in given:
            widget.attrs["class"] = " ".join([given, *found]).strip()
            if type(widget) is forms.Select:
                # With the arrow that its classes take away.
                widget.template_name = "unfold/widgets/select.html"


class DressedForm(forms.Form):
    """A form of a page of our own, in the theme."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        dress(self.fields)
