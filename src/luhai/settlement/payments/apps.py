from django.apps import AppConfig


class Payments(AppConfig):
    name = "luhai.settlement.payments"
    label = "payments"
