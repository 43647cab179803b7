from django.apps import AppConfig


class Policies(AppConfig):
    name = "luhai.core.policies"
    label = "policies"
