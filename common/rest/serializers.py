from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers


class Body(serializers.Serializer):
    """Unknown fields are refused; read-only ones are ignored, so that an object can be sent back."""

    def to_internal_value(self, data: Any) -> Any:
        if hasattr(data, "keys"):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                said = [_("There is no such field.")]
                raise serializers.ValidationError(dict.fromkeys(sorted(unknown), said))
        return super().to_internal_value(data)
