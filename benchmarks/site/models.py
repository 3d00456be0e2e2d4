"""What the bare insert writes."""

from django.db import models


class BareRow(models.Model):
    """A row as small as a turn: who, what, when."""

    phone = models.CharField(max_length=16)
    text = models.CharField(max_length=180)
    at = models.DateTimeField()

    class Meta:
        db_table = "bench_bare_row"
        indexes = [models.Index(fields=["phone", "-id"], name="bare_row_phone")]

    def __str__(self) -> str:
        return self.phone
