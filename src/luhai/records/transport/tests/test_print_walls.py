"""Each wall around printed copies is taken down in turn: what `test_print` looks for then happens, so that test can fail."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection, connections, transaction

from luhai.core.titles.tests.world import company
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor
from luhai.records.transport.models import Printout
from luhai.records.transport.tests import world
from luhai.records.transport.tests.test_print import printed
from luhai.records.transport.tests.world import id_of
from luhai.shell.context import acting

pytestmark = pytest.mark.usefixtures("fresh_db")


def owner(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def seen(viewer: Actor) -> int:
    with acting(viewer):
        return Printout.objects.count()


def forged(actor: Actor, party: Actor) -> bool:
    """Whether a copy that another party is said to have printed gets into the table."""
    try:
        with transaction.atomic(), acting(actor), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO transport_printout SELECT gen_random_uuid(), %s, title_id, version, content_digest, n, head, state,"
                " printed_at, %s, %s, document_id FROM transport_printout LIMIT 1",
                ["0" * 16, id_of(party), actor.person_id],
            )
    except ProgrammingError:
        return False
    return True


def changed(statement: str) -> bool:
    try:
        with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
            cursor.execute(statement)
    except ProgrammingError:
        return False
    return True


def test_without_its_policies_strangers_read_codes_and_copies_are_forged() -> None:
    c, stranger = world.corridor(), company()
    printed(c.shipper, world.issued(c))
    assert [seen(who) for who in (stranger, PUBLIC, c.shipper)] == [0, 0, 1]
    assert not forged(c.carrier, c.shipper)
    owner("DROP POLICY printout_add ON transport_printout")
    owner("CREATE POLICY printout_add ON transport_printout FOR INSERT WITH CHECK (true)")
    assert forged(c.carrier, c.shipper)
    owner("DROP POLICY printout_read ON transport_printout")
    owner("CREATE POLICY printout_read ON transport_printout FOR SELECT USING (true)")
    assert [seen(who) for who in (stranger, PUBLIC)] == [2, 2]


@pytest.mark.parametrize("act", ["UPDATE", "DELETE"])
def test_without_its_revokes_copies_change(act: str) -> None:
    c = world.corridor()
    printed(c.shipper, world.issued(c))
    said = {"UPDATE": "UPDATE transport_printout SET state = 'VOID'", "DELETE": "DELETE FROM transport_printout"}[act]
    assert not changed(said)
    owner(f"GRANT {act} ON transport_printout TO luhai_app")
    owner(f"CREATE POLICY loose ON transport_printout FOR {act} USING (true)")
    assert changed(said)
