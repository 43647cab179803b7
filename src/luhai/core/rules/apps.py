from django.apps import AppConfig


class Rules(AppConfig):
    name = "luhai.core.rules"
    label = "rules"
