from django.apps import AppConfig


class Matching(AppConfig):
    name = "luhai.market.matching"
    label = "matching"
