from django.urls import path

from appointments.api import bulk, call_list, closures, patients, reports, texts, uploads, views

urlpatterns = [
    path("appointments", views.AppointmentList.as_view()),
    path("appointments/upcoming", views.UpcomingList.as_view()),
    path("appointments/bulk", bulk.Bulk.as_view()),
    path("appointments/call-list", call_list.CallList.as_view()),
    path("appointments/<uuid:pk>/calls", call_list.AppointmentCalls.as_view()),
    path("appointments/upload", uploads.Upload.as_view()),
    path("appointments/uploads/<uuid:pk>", uploads.UploadDetail.as_view()),
    path("appointments/uploads/<uuid:pk>/errors.csv", uploads.UploadErrors.as_view()),
    path("sms/schedule", texts.Schedule.as_view()),
    path("appointments/<uuid:pk>", views.AppointmentDetail.as_view()),
    path("clinics/<uuid:clinic_id>/closures", closures.ClosureList.as_view()),
    path("clinics/<uuid:clinic_id>/closures/<uuid:pk>", closures.ClosureDetail.as_view()),
    path("patients", patients.PatientList.as_view()),
    path("patients/<uuid:pk>", patients.PatientDetail.as_view()),
    path("reports/attendance", reports.AttendanceReport.as_view()),
]
