"""A verdict names the scenes that were laid over the rules, so its rule set is longer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_walls")]
    operations = [
        migrations.AlterField(model_name="verdict", name="rule_set", field=models.CharField(max_length=240)),
    ]
