from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loans", "0002_offers")]

    operations = [
        migrations.AddField(
            model_name="loan",
            name="penalised_days",
            field=models.PositiveIntegerField(
                default=0, help_text="First day of the last overdue tier that cost the customer points"
            ),
        ),
        migrations.AddField(
            model_name="loan",
            name="reminded_on",
            field=models.DateField(blank=True, help_text="Day of the last reminder", null=True),
        ),
        migrations.AddIndex(
            model_name="loan",
            index=models.Index(fields=["approved_at"], name="loan_approved_at"),
        ),
    ]
