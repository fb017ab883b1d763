"""What a password must be."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from common.errors import ValidationFailed


def refuse_weak(password: str, user: User, *, field: str = "password") -> None:
    """ValidationFailed with every reason at `field`; the password itself is in none of them."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationFailed(" ".join(error.messages), details={field: error.messages}) from None
