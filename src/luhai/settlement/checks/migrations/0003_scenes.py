"""Which scenes hold where: open to all, added by who oversees or by the territory's own officials, and ended once."""

from django.db import migrations, models
from django.db.models import F, Q

SQL = """
-- Of one scene at most one version is in force in a territory on any day. Ranges alone need no extension: the pair is a point on a line.
ALTER TABLE checks_sceneinforce ADD CONSTRAINT one_scene_version_in_force EXCLUDE USING gist (
    int8range(hashtextextended(scene || ' ' || territory, 0), hashtextextended(scene || ' ' || territory, 0), '[]') WITH &&,
    daterange(valid_from, valid_to, '[)') WITH &&);

REVOKE UPDATE, DELETE, TRUNCATE ON checks_sceneinforce FROM luhai_app;
GRANT UPDATE (valid_to, withdrawn_by, withdrawn_at) ON checks_sceneinforce TO luhai_app;

-- An end is never moved later: verdicts that were given without the scene stand.
CREATE FUNCTION checks_scene_ends() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'scene % in % may only end earlier', OLD.version, OLD.territory USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER ends_earlier BEFORE UPDATE ON checks_sceneinforce FOR EACH ROW
    WHEN (NEW.valid_to IS NULL OR NEW.valid_to >= OLD.valid_to)
    EXECUTE FUNCTION checks_scene_ends();

ALTER TABLE checks_sceneinforce ENABLE ROW LEVEL SECURITY;
CREATE POLICY scene_read ON checks_sceneinforce FOR SELECT USING (true);
CREATE POLICY scene_add ON checks_sceneinforce FOR INSERT WITH CHECK (
    luhai_role() IN ('supervisor', 'operator', 'system') OR luhai_role() = 'provincial_official' AND luhai_territory() = territory);
CREATE POLICY scene_end ON checks_sceneinforce FOR UPDATE USING (
    luhai_role() IN ('supervisor', 'operator', 'system') OR luhai_role() = 'provincial_official' AND luhai_territory() = territory);
"""


class Migration(migrations.Migration):
    dependencies = [("checks", "0002_walls"), ("shell", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="SceneInForce",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("scene", models.CharField(max_length=40)),
                ("version", models.CharField(max_length=60)),
                ("territory", models.CharField(max_length=6)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
                ("set_by", models.UUIDField()),
                ("set_at", models.DateTimeField()),
                ("key", models.UUIDField()),
                ("withdrawn_by", models.UUIDField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["territory", "valid_from"], name="scene_in_territory")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(("valid_to", None), ("valid_to__gte", F("valid_from")), _connector="OR"),
                        name="scene_ends_after_it_begins",
                    ),
                    models.CheckConstraint(condition=Q(("version__startswith", F("scene"))), name="scene_version_is_of_its_key"),
                    models.CheckConstraint(
                        condition=Q(
                            Q(("withdrawn_at", None), ("withdrawn_by", None)),
                            Q(("valid_to__isnull", False), ("withdrawn_at__isnull", False), ("withdrawn_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="scene_withdrawn_whole",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
