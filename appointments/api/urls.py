from django.urls import path

from appointments.api import call_list, texts, uploads, views

urlpatterns = [
    path("appointments", views.AppointmentList.as_view()),
    path("appointments/call-list", call_list.CallList.as_view()),
    path("appointments/<uuid:pk>/calls", call_list.AppointmentCalls.as_view()),
    path("appointments/upload", uploads.Upload.as_view()),
    path("appointments/uploads/<uuid:pk>", uploads.UploadDetail.as_view()),
    path("appointments/uploads/<uuid:pk>/errors.csv", uploads.UploadErrors.as_view()),
    path("sms/schedule", texts.Schedule.as_view()),
    path("appointments/<uuid:pk>", views.AppointmentDetail.as_view()),
]
