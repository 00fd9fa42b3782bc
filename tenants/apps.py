from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Set-up"

    def ready(self) -> None:
        from tenants.audit import watching

        watching.watch()
