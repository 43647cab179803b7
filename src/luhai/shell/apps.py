from django.apps import AppConfig


class Shell(AppConfig):
    name = "luhai.shell"
    label = "shell"
