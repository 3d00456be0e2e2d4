"""The tables that only grow: partitioned by month, with a partition for whatever has no month yet.

Plain SQL, because Django cannot say PARTITION BY. A row's `uid` is made when the turn is answered; it is unique with
`at`, so that a batch stored a second time after a crash adds nothing.
"""

import uuid

from django.db import migrations, models

CREATE = """
CREATE SEQUENCE ussd_turn_id_seq AS bigint;
CREATE TABLE ussd_turn (
    id bigint NOT NULL DEFAULT nextval('ussd_turn_id_seq'),
    uid uuid NOT NULL,
    at timestamptz NOT NULL,
    gateway varchar(50) NOT NULL,
    session_id varchar(128) NOT NULL,
    phone varchar(16) NOT NULL,
    network varchar(40) NOT NULL,
    service_code varchar(40) NOT NULL,
    journey varchar(30) NOT NULL,
    screen varchar(60) NOT NULL,
    input varchar(180) NOT NULL,
    reply varchar(200) NOT NULL,
    outcome varchar(40) NOT NULL,
    ends boolean NOT NULL,
    took_ms integer NOT NULL CHECK (took_ms >= 0),
    PRIMARY KEY (id, at),
    UNIQUE (uid, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE ussd_turn_id_seq OWNED BY ussd_turn.id;
CREATE INDEX ussd_turn_by_phone ON ussd_turn (phone, id DESC);
CREATE INDEX ussd_turn_by_session ON ussd_turn (session_id, id DESC);
CREATE TABLE ussd_turn_default PARTITION OF ussd_turn DEFAULT;

CREATE SEQUENCE ussd_session_event_id_seq AS bigint;
CREATE TABLE ussd_session_event (
    id bigint NOT NULL DEFAULT nextval('ussd_session_event_id_seq'),
    uid uuid NOT NULL,
    at timestamptz NOT NULL,
    session_id varchar(128) NOT NULL,
    phone varchar(40) NOT NULL,
    service_code varchar(40) NOT NULL,
    network_code varchar(20) NOT NULL,
    status varchar(40) NOT NULL,
    duration_ms integer NULL CHECK (duration_ms >= 0),
    hops integer NULL CHECK (hops >= 0),
    cost varchar(40) NOT NULL,
    input varchar(180) NOT NULL,
    last_reply varchar(200) NOT NULL,
    error_message varchar(300) NOT NULL,
    PRIMARY KEY (id, at),
    UNIQUE (uid, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE ussd_session_event_id_seq OWNED BY ussd_session_event.id;
CREATE INDEX ussd_event_by_session ON ussd_session_event (session_id);
CREATE TABLE ussd_session_event_default PARTITION OF ussd_session_event DEFAULT;
"""


class Migration(migrations.Migration):
    dependencies = [("ussd", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE, "DROP TABLE ussd_turn; DROP TABLE ussd_session_event")],
            state_operations=[
                migrations.CreateModel(
                    name="TurnRecord",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                        ("at", models.DateTimeField()),
                        ("gateway", models.CharField(max_length=50)),
                        ("session_id", models.CharField(max_length=128)),
                        ("phone", models.CharField(max_length=16)),
                        ("network", models.CharField(blank=True, max_length=40)),
                        ("service_code", models.CharField(max_length=40)),
                        ("journey", models.CharField(max_length=30)),
                        ("screen", models.CharField(max_length=60)),
                        ("input", models.CharField(help_text="Codes are masked", max_length=180)),
                        ("reply", models.CharField(max_length=200)),
                        ("outcome", models.CharField(blank=True, max_length=40)),
                        ("ends", models.BooleanField()),
                        ("took_ms", models.PositiveIntegerField()),
                    ],
                    options={
                        "verbose_name": "turn",
                        "db_table": "ussd_turn",
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["phone", "-id"], name="ussd_turn_by_phone"),
                            models.Index(fields=["session_id", "-id"], name="ussd_turn_by_session"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SessionEvent",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                        ("at", models.DateTimeField()),
                        ("session_id", models.CharField(max_length=128)),
                        ("phone", models.CharField(max_length=40)),
                        ("service_code", models.CharField(max_length=40)),
                        ("network_code", models.CharField(blank=True, max_length=20)),
                        ("status", models.CharField(max_length=40)),
                        ("duration_ms", models.PositiveIntegerField(null=True)),
                        ("hops", models.PositiveIntegerField(null=True)),
                        ("cost", models.CharField(blank=True, max_length=40)),
                        ("input", models.CharField(blank=True, help_text="Codes are masked", max_length=180)),
                        ("last_reply", models.CharField(blank=True, max_length=200)),
                        ("error_message", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "db_table": "ussd_session_event",
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["session_id"], name="ussd_event_by_session"),
                        ],
                    },
                ),
            ],
        ),
    ]
