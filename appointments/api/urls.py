from django.urls import path

from appointments.api import views

urlpatterns = [
    path("appointments", views.AppointmentList.as_view()),
    path("appointments/<uuid:pk>", views.AppointmentDetail.as_view()),
]
