from django.urls import path

from appointments.api import uploads, views

urlpatterns = [
    path("appointments", views.AppointmentList.as_view()),
    path("appointments/upcoming", views.UpcomingList.as_view()),
    path("appointments/upload", uploads.Upload.as_view()),
    path("appointments/uploads/<uuid:pk>", uploads.UploadDetail.as_view()),
    path("appointments/uploads/<uuid:pk>/errors.csv", uploads.UploadErrors.as_view()),
    path("appointments/<uuid:pk>", views.AppointmentDetail.as_view()),
]
