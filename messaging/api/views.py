from accounts.api.scoping import InClinics
from common.rest.views import DetailView
from messaging.api.serializers import MessageSerializer
from messaging.models import Message


class MessageDetail(InClinics, DetailView):
    kind = "messaging.message"
    queryset = Message.objects.select_related("clinic").prefetch_related("events")
    serializer_class = MessageSerializer
