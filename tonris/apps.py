from django.apps import AppConfig


class TonrisConfig(AppConfig):
    name = "tonris"
