from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StockConfig(AppConfig):
    name = "stock"
    verbose_name = _("Stock")

    def ready(self) -> None:
        from common import differences
        from stock.reconciling import check

        differences.register("stock balances", lambda _now: check())
