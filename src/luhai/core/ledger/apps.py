from django.apps import AppConfig


class Ledger(AppConfig):
    name = "luhai.core.ledger"
    label = "ledger"
