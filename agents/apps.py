from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
    verbose_name = "Agent"

    def ready(self) -> None:
        from agents.versions import keeping

        keeping.watch()
