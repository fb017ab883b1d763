from django.urls import path

from stock.api import bulk, items, levels, movements, orders, reports

urlpatterns = [
    path("items", items.ItemList.as_view()),
    path("items/<uuid:pk>", items.ItemDetail.as_view()),
    path("stock", levels.LevelList.as_view()),
    path("stock/low", levels.LowList.as_view()),
    path("stock/bulk", bulk.Bulk.as_view()),
    path("stock/transfers", movements.TransferList.as_view()),
    path("stock/orders", orders.OrderList.as_view()),
    path("stock/orders/<uuid:pk>", orders.OrderDetail.as_view()),
    path("stock/orders/<uuid:pk>/receive", orders.ReceiveOrder.as_view()),
    path("stock/orders/<uuid:pk>/cancel", orders.CancelOrder.as_view()),
    path("stock/movements/<uuid:pk>/receive", movements.Receive.as_view()),
    path("stock/movements/<uuid:pk>/reverse", movements.Reverse.as_view()),
    path("stock/<uuid:pk>", levels.LevelDetail.as_view()),
    path("stock/<uuid:level_id>/movements", movements.LevelMovements.as_view()),
    path("stock/<uuid:level_id>/orders", orders.LevelOrders.as_view()),
    path("reports/stock", reports.StockReport.as_view()),
]
