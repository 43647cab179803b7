"""A pledge may be refused until its pledgee first acts on it, and says whether the warehouse is affiliated with the pledgor.

Pledges made before: taken up, if their pledgee has done anything to the title since; else still open to be refused.
"""

from django.db import migrations, models
from django.db.models import F, Q

ACTS = [
    "issue", "derive", "nominate", "endorse", "transfer", "reject", "pledge", "refuse_pledge", "release_pledge", "enforce",
    "split", "merge", "surrender", "surrender_for_amendment", "accept_surrender", "refuse_surrender", "amend", "to_paper",
    "to_electronic", "keep", "return", "freeze", "unfreeze", "void",
]  # fmt: skip

# The triggers of 0002 run at once, so that none is pending when the table is altered.
TAKEN = """
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE titles_pledge p SET taken_at = coalesce(
    (SELECT min(e.at) FROM titles_event e
     WHERE e.title_id = p.title_id AND e.actor_party = p.pledgee_id AND e.at >= p.pledged_at),
    p.ended_at, p.pledged_at)
WHERE p.ended_how IN ('released', 'enforced')
    OR (p.ended_at IS NULL AND p.quantity < p.given)
    OR EXISTS (SELECT FROM titles_event e
               WHERE e.title_id = p.title_id AND e.actor_party = p.pledgee_id AND e.at >= p.pledged_at)
    OR EXISTS (SELECT FROM titles_title t WHERE t.id = p.title_id AND p.pledgee_id = ANY (t.kept_pledgees));
"""


class Migration(migrations.Migration):
    dependencies = [("titles", "0002_walls")]
    operations = [
        migrations.RemoveConstraint(model_name="event", name="title_act_known"),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(condition=Q(act__in=ACTS), name="title_act_known"),
        ),
        migrations.AddField(model_name="pledge", name="affiliated", field=models.BooleanField(default=False)),
        migrations.AddField(model_name="pledge", name="taken_at", field=models.DateTimeField(null=True)),
        migrations.RunSQL(TAKEN, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="pledge",
            constraint=models.CheckConstraint(
                condition=Q(taken_at=None, ended_how="", quantity=F("given"))
                | Q(taken_at=None, ended_how__in=["refused", "void"])
                | Q(taken_at__isnull=False, ended_how__in=["", "released", "enforced", "void"]),
                name="pledge_is_refused_untouched",
            ),
        ),
    ]
