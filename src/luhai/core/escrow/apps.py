from django.apps import AppConfig


class Escrow(AppConfig):
    name = "luhai.core.escrow"
    label = "escrow"
