from django.apps import AppConfig


class Evaluation(AppConfig):
    name = "luhai.oversight.evaluation"
    label = "evaluation"
