"""The offers only grow: partitioned by month, with a partition for whatever has no month yet.

Plain SQL, because Django cannot say PARTITION BY. An offer's `uid` is made with it; it is unique with `at`, so that a
batch stored a second time after a crash adds nothing.
"""

import uuid

from django.db import migrations, models

CREATE = """
CREATE SEQUENCE loans_offer_id_seq AS bigint;
CREATE TABLE loans_offer (
    id bigint NOT NULL DEFAULT nextval('loans_offer_id_seq'),
    uid uuid NOT NULL,
    at timestamptz NOT NULL,
    customer_id uuid NOT NULL,
    phone varchar(16) NOT NULL,
    network varchar(40) NOT NULL,
    partner varchar(254) NOT NULL,
    session_id varchar(128) NOT NULL,
    score integer NOT NULL CHECK (score >= 0),
    eligible_amount numeric(14, 2) NOT NULL,
    currency varchar(3) NOT NULL,
    offers jsonb NOT NULL,
    refusal varchar(30) NOT NULL,
    explanation jsonb NOT NULL,
    PRIMARY KEY (id, at),
    UNIQUE (uid, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE loans_offer_id_seq OWNED BY loans_offer.id;
CREATE INDEX loan_offer_by_customer ON loans_offer (customer_id, id DESC);
CREATE INDEX loan_offer_by_phone ON loans_offer (phone, id DESC);
CREATE TABLE loans_offer_default PARTITION OF loans_offer DEFAULT;
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE, "DROP TABLE loans_offer")],
            state_operations=[
                migrations.CreateModel(
                    name="Offer",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                        ("at", models.DateTimeField()),
                        ("customer_id", models.UUIDField()),
                        ("phone", models.CharField(max_length=16)),
                        ("network", models.CharField(blank=True, max_length=40)),
                        (
                            "partner",
                            models.CharField(
                                blank=True, help_text="Who asked: the token's partner or the gateway", max_length=254
                            ),
                        ),
                        ("session_id", models.CharField(blank=True, max_length=128)),
                        ("score", models.PositiveIntegerField()),
                        ("eligible_amount", models.DecimalField(decimal_places=2, max_digits=14)),
                        ("currency", models.CharField(max_length=3)),
                        ("offers", models.JSONField(help_text="Amounts with their terms, as shown")),
                        ("refusal", models.CharField(blank=True, max_length=30)),
                        (
                            "explanation",
                            models.JSONField(help_text="Which tier, which cap, which version of the settings"),
                        ),
                    ],
                    options={
                        "db_table": "loans_offer",
                        "ordering": ["-id"],
                    },
                ),
                migrations.AddIndex(
                    model_name="offer",
                    index=models.Index(fields=["customer_id", "-id"], name="loan_offer_by_customer"),
                ),
                migrations.AddIndex(
                    model_name="offer",
                    index=models.Index(fields=["phone", "-id"], name="loan_offer_by_phone"),
                ),
            ],
        ),
    ]
