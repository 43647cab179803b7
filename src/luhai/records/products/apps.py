from django.apps import AppConfig


class Products(AppConfig):
    name = "luhai.records.products"
    label = "products"
