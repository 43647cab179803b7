"""An override is added and never changed, so that every past decision can be explained."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rules", "0001_initial")]
    operations = [
        migrations.RunSQL("REVOKE UPDATE, DELETE, TRUNCATE ON rules_override FROM luhai_app", migrations.RunSQL.noop)
    ]
