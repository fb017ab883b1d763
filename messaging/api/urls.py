from django.urls import path

from messaging.api import views

urlpatterns = [
    path("sms/status/<uuid:pk>", views.MessageDetail.as_view()),
]
