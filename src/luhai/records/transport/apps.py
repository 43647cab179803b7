from django.apps import AppConfig


class Transport(AppConfig):
    name = "luhai.records.transport"
    label = "transport"
