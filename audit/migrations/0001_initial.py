"""The audit table: partitioned by month, with a partition for whatever has no month yet.

Plain SQL, because Django cannot say PARTITION BY. The id comes from a sequence rather than an identity column:
partitioned tables have identities only from PostgreSQL 17 on.
"""

import uuid

from django.db import migrations, models

CREATE = """
CREATE SEQUENCE audit_event_id_seq AS bigint;
CREATE TABLE audit_event (
    id bigint NOT NULL DEFAULT nextval('audit_event_id_seq'),
    uid uuid NOT NULL,
    at timestamptz NOT NULL,
    action varchar(100) NOT NULL,
    actor_id varchar(64) NOT NULL,
    actor_label varchar(254) NOT NULL,
    ip inet NULL,
    request_id varchar(64) NOT NULL,
    target_type varchar(100) NOT NULL,
    target_id varchar(64) NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    reason text NOT NULL,
    integrity_hash varchar(64) NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE audit_event_id_seq OWNED BY audit_event.id;
CREATE INDEX audit_event_by_action ON audit_event (action, id);
CREATE INDEX audit_event_by_target ON audit_event (target_id, id);
CREATE INDEX audit_event_by_type ON audit_event (target_type, id);
CREATE INDEX audit_event_by_actor ON audit_event (actor_label, id);
CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE, "DROP TABLE audit_event")],
            state_operations=[
                migrations.CreateModel(
                    name="AuditEvent",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("uid", models.UUIDField(default=uuid.uuid4, editable=False, verbose_name="UUID")),
                        ("at", models.DateTimeField(verbose_name="time")),
                        ("action", models.CharField(max_length=100)),
                        ("actor_id", models.CharField(blank=True, max_length=64)),
                        ("actor_label", models.CharField(max_length=254, verbose_name="actor")),
                        ("ip", models.GenericIPAddressField(null=True, verbose_name="IP address")),
                        ("request_id", models.CharField(blank=True, max_length=64)),
                        ("target_type", models.CharField(max_length=100)),
                        ("target_id", models.CharField(max_length=64)),
                        ("before", models.JSONField(default=dict)),
                        ("after", models.JSONField(default=dict)),
                        ("reason", models.TextField(blank=True)),
                        ("integrity_hash", models.CharField(max_length=64)),
                    ],
                    options={
                        "db_table": "audit_event",
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["action", "id"], name="audit_event_by_action"),
                            models.Index(fields=["target_id", "id"], name="audit_event_by_target"),
                            models.Index(fields=["target_type", "id"], name="audit_event_by_type"),
                            models.Index(fields=["actor_label", "id"], name="audit_event_by_actor"),
                        ],
                    },
                ),
            ],
        ),
    ]
