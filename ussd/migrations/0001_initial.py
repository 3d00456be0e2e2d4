import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Gateway",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("africastalking", "Africa's Talking (form, whole history)"),
                            ("lastinput", "JSON with the last input (spec 3)"),
                            ("json", "JSON middle server"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "secret",
                    models.TextField(
                        blank=True,
                        help_text="Encrypted; the last part of the address for gateways without headers",
                    ),
                ),
                (
                    "allowed_ips",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50),
                        blank=True,
                        default=list,
                        help_text="Addresses or networks its requests come from, separated by commas. Empty: any",
                        size=None,
                    ),
                ),
                (
                    "service_codes",
                    models.JSONField(
                        default=dict,
                        help_text='Service code to journey: {"*384*1234#": "promo", "*384#": "menu"}',
                    ),
                ),
                (
                    "region",
                    models.CharField(
                        default="RW", help_text="Country of its numbers (ISO 3166, two letters)", max_length=2
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "ussd_gateway",
                "ordering": ["slug"],
                "permissions": [("system_monitoring", "Can watch and clear USSD sessions")],
            },
        ),
    ]
