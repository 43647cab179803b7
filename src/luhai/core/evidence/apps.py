from django.apps import AppConfig


class Evidence(AppConfig):
    name = "luhai.core.evidence"
    label = "evidence"
