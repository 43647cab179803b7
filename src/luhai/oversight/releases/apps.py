from django.apps import AppConfig


class Releases(AppConfig):
    name = "luhai.oversight.releases"
    label = "releases"
