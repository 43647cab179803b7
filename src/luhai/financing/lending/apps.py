from django.apps import AppConfig


class Lending(AppConfig):
    name = "luhai.financing.lending"
    label = "lending"
