from django.urls import path

from agents import views

urlpatterns = [
    path("api/ai/webhook/elevenlabs", views.AgentWebhook.as_view(), name="elevenlabs-webhook"),
    path("api/ai/tools/<str:name>", views.ToolEndpoint.as_view(), name="agent-tool"),
    path(
        "api/webhooks/elevenlabs/conversation-initiation",
        views.ConversationInitiation.as_view(),
        name="conversation-initiation",
    ),
]
