from django.urls import path

from messaging.api import preview, reports, templates, views

urlpatterns = [
    path("sms/send", views.Send.as_view()),
    path("sms/preview", preview.PreviewText.as_view()),
    path("sms/queue", views.Queue.as_view()),
    path("sms/status/<uuid:pk>", views.MessageDetail.as_view()),
    path("sms/<uuid:pk>/cancel", views.Cancel.as_view()),
    path("templates", templates.TemplateList.as_view()),
    path("templates/<uuid:pk>", templates.TemplateDetail.as_view()),
    path("reports/delivery", reports.DeliveryReport.as_view()),
]
