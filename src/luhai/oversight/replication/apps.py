from django.apps import AppConfig


class Replication(AppConfig):
    name = "luhai.oversight.replication"
    label = "replication"
