from django.apps import AppConfig


class Statistics(AppConfig):
    name = "luhai.oversight.statistics"
    label = "statistics"
