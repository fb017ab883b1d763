from django.urls import path

from stock.api import alerts

urlpatterns = [
    path("stock/alert", alerts.ManualAlert.as_view()),
    path("stock/alerts", alerts.AlertList.as_view()),
    path("stock/alerts/<uuid:pk>/acknowledge", alerts.Acknowledge.as_view()),
]
