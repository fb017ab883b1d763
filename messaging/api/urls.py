from django.urls import path

from messaging.api import views

urlpatterns = [
    path("sms/send", views.Send.as_view()),
    path("sms/queue", views.Queue.as_view()),
    path("sms/status/<uuid:pk>", views.MessageDetail.as_view()),
    path("sms/<uuid:pk>/cancel", views.Cancel.as_view()),
]
