from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
    verbose_name = "Agent"

    def ready(self) -> None:
        from agents.providers.registry import PROVIDERS
        from tenants import secret_names

        secret_names.declare(lambda: [one.api_key for one in PROVIDERS.values()])
