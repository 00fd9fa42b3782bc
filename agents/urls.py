from django.urls import path

from agents import client_data, views

urlpatterns = [
    path("api/ai/webhook/elevenlabs", views.AgentWebhook.as_view(), name="elevenlabs-webhook"),
    path("api/ai/tools/<str:name>", views.ToolEndpoint.as_view(), name="agent-tool"),
    path(
        "api/webhooks/elevenlabs/conversation-initiation",
        views.ConversationInitiation.as_view(),
        name="conversation-initiation",
    ),
    path("api/webhooks/elevenlabs/services", client_data.Services.as_view(), name="client-services"),
    path("api/webhooks/elevenlabs/employees", client_data.Employees.as_view(), name="client-employees"),
    path(
        "api/webhooks/elevenlabs/appointments", client_data.Appointments.as_view(), name="client-appointments"
    ),
]
