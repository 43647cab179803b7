from django.apps import AppConfig


class Desks(AppConfig):
    name = "luhai.desks"
    label = "desks"
