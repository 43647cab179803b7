from django.apps import AppConfig


class Checks(AppConfig):
    name = "luhai.settlement.checks"
    label = "checks"
