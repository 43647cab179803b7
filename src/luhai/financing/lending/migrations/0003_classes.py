"""How a bank classifies what it lends, as statistics ask: the borrower's size and industry, green, and the way of the goods. "" is not stated."""

from django.db import migrations, models

SIZES = ["", "L", "M", "S", "X", "IND_BIZ"]
INDUSTRIES = ["", *"ABCDEFGHIJKLMNOPQRST"]
GREENS = ["", "Y", "N"]
ROUTES = ["", "RSI", "IRL", "XBR", "INW", "AIR", "OTH"]

#: A line's classes are written with it; a draw's when it is approved, and when the money moves.
GRANT = "GRANT UPDATE (green, route) ON lending_draw TO luhai_app;"


class Migration(migrations.Migration):
    dependencies = [("lending", "0002_walls")]
    operations = [
        migrations.AddField("line", "size", models.CharField(blank=True, default="", max_length=7)),
        migrations.AddField("line", "industry", models.CharField(blank=True, default="", max_length=1)),
        migrations.AddField("draw", "green", models.CharField(blank=True, default="", max_length=1)),
        migrations.AddField("draw", "route", models.CharField(blank=True, default="", max_length=3)),
        migrations.AddConstraint(
            "line",
            models.CheckConstraint(
                condition=models.Q(("industry__in", INDUSTRIES), ("size__in", SIZES)), name="line_borrower_classified"
            ),
        ),
        migrations.AddConstraint(
            "draw",
            models.CheckConstraint(condition=models.Q(("green__in", GREENS), ("route__in", ROUTES)), name="draw_classified"),
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
