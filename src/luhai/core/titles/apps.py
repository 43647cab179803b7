from django.apps import AppConfig


class Titles(AppConfig):
    name = "luhai.core.titles"
    label = "titles"
