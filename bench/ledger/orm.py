"""The peer `orm`: a ledger as one writes it with Django's ORM, with care but without SQL. Import after settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import CheckConstraint, F, Q, Sum


class Account(models.Model):
    id = models.BigIntegerField(primary_key=True)
    bounded = models.BooleanField()
    debits = models.BigIntegerField(default=0)
    credits = models.BigIntegerField(default=0)

    class Meta:
        app_label = "orm"
        db_table = "orm_account"
        constraints = [CheckConstraint(condition=Q(bounded=False) | Q(debits__lte=F("credits")), name="within")]


class Transfer(models.Model):
    id = models.UUIDField(primary_key=True)
    debit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "orm"
        db_table = "orm_transfer"
        constraints = [CheckConstraint(condition=Q(amount__gt=0), name="positive")]


class IdReused(Exception):
    """The id was used for another transfer."""


def transfer(id: UUID, debit: int, credit: int, amount: int) -> bool:
    """Move `amount` once, whoever asks how often. False: the account debited has no room for it."""
    with transaction.atomic():
        first = Transfer.objects.filter(id=id).first()
        if first is not None:
            if (first.debit_id, first.credit_id, first.amount) != (debit, credit, amount):
                raise IdReused(id)
            return True
        locked = Account.objects.select_for_update(no_key=True).filter(id__in=[debit, credit]).order_by("id")
        accounts = {account.id: account for account in locked}
        payer = accounts[debit]
        if payer.bounded and payer.debits + amount > payer.credits:
            return False
        Transfer.objects.create(id=id, debit_id=debit, credit_id=credit, amount=amount)
        Account.objects.filter(id=debit).update(debits=F("debits") + amount)
        Account.objects.filter(id=credit).update(credits=F("credits") + amount)
    return True


def setup(
    accounts: int, bounded: Callable[[int], bool], opening: Iterable[tuple[UUID, int, int, int]]
) -> None:
    """Make tables and accounts, and give the bounded ones their room."""
    with connection.schema_editor() as editor:
        editor.create_model(Account)
        editor.create_model(Transfer)
    Account.objects.bulk_create([Account(id=n, bounded=bounded(n)) for n in range(accounts + 1)])
    Transfer.objects.bulk_create(
        [Transfer(id=i, debit_id=d, credit_id=c, amount=a) for i, d, c, a in opening], batch_size=1_000
    )
    credited = Transfer.objects.values("credit").annotate(sum=Sum("amount"))
    for row in credited:
        Account.objects.filter(id=row["credit"]).update(credits=row["sum"])
    debited = Transfer.objects.values("debit").annotate(sum=Sum("amount"))
    for row in debited:
        Account.objects.filter(id=row["debit"]).update(debits=row["sum"])
