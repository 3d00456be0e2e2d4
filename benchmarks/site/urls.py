"""The product's addresses, and the bare views beside them."""

from django.urls import path

from benchmarks.site import views
from config.urls import urlpatterns as product

urlpatterns = [
    *product,
    path("bench/answer/", views.answer),
    path("bench/json/", views.answer_json),
    path("bench/read/", views.read_one),
    path("bench/insert/", views.insert_one),
    path("bench/statements/<slug:path>/", views.run_statements),
]
