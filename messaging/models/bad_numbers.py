from django.db import models
from django.utils.translation import gettext_lazy as _

from common.ids import new_id


class BadNumber(models.Model):
    """A phone of which a provider said that it is none, or gets no texts. One that gets one is taken off."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    phone = models.CharField(_("phone"), max_length=20, unique=True)
    provider = models.CharField(_("provider"), max_length=100)
    code = models.CharField(_("code"), max_length=40)
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("number that gets no texts")
        verbose_name_plural = _("numbers that get no texts")

    def __str__(self) -> str:
        return self.code
