from django.db import migrations, models

PROVIDERS = [("mtn_momo", "MTN MoMo"), ("mtn_momo_ng", "MTN MoMo Nigeria")]


class Migration(migrations.Migration):
    """A second account that can pay. Choices only: no statement is sent."""

    dependencies = [("disbursements", "0002_triggers")]

    operations = [
        migrations.AlterField(
            model_name=model, name="provider", field=models.CharField(choices=PROVIDERS, max_length=30)
        )
        for model in ("disbursement", "providerbalance", "providercallback")
    ]
