from django.apps import AppConfig


class Parties(AppConfig):
    name = "luhai.core.parties"
    label = "parties"
