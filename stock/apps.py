from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StockConfig(AppConfig):
    name = "stock"
    verbose_name = _("Stock")

    def ready(self) -> None:
        from common import differences
        from messaging import guards
        from stock.digests import SUBJECT
        from stock.reconciling import check
        from stock.sending_guard import refuse

        guards.register(SUBJECT, refuse)
        differences.register("stock balances", lambda _now: check())
