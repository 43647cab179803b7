"""The conditions that products share, for SQL; and the second wall.

Drafts are their institution's, products are changed by their institution, versions never.
"""

from django.db import migrations

# In the form of luhai.core.rules.sql.predicate_table, as it was when this was written.
PREDICATES = """
CREATE TABLE products_predicate (
    slot      integer PRIMARY KEY CHECK (slot >= 0),
    field     text    NOT NULL,
    shape     text    NOT NULL CHECK (shape IN ('range', 'overlap', 'cover')),
    negated   boolean NOT NULL,
    low       bigint,
    high      bigint,
    parameter text,
    codes     jsonb,
    cover     text[],
    canonical text    NOT NULL UNIQUE
) WITH (toast_tuple_target = 8160);
-- A few hundred codes are read with every question, so they stay in the row and are not compressed.
ALTER TABLE products_predicate ALTER COLUMN codes SET STORAGE EXTERNAL;
"""

SQL = """
REVOKE UPDATE, DELETE, TRUNCATE ON products_version FROM luhai_app;
-- Their slots are written into criteria, so a predicate is never changed nor taken away.
REVOKE DELETE, TRUNCATE ON products_predicate FROM luhai_app;  -- UPDATE stays: it is the right to lock

ALTER TABLE products_product ENABLE ROW LEVEL SECURITY;
CREATE POLICY product_read ON products_product FOR SELECT USING (
    state <> 'DRAFT' OR institution_id = luhai_party() OR luhai_sees_all());
CREATE POLICY product_add ON products_product FOR INSERT WITH CHECK (
    institution_id = luhai_party() OR luhai_role() = 'system');
CREATE POLICY product_change ON products_product FOR UPDATE USING (
    institution_id = luhai_party() OR luhai_role() = 'system');

ALTER TABLE products_draft ENABLE ROW LEVEL SECURITY;
CREATE POLICY draft_own ON products_draft USING (institution_id = luhai_party() OR luhai_role() IN ('system', 'operator'));

-- Versions and branches follow their product: whoever may change the one may add to the other.
ALTER TABLE products_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY version_read ON products_version FOR SELECT USING (true);
CREATE POLICY version_add ON products_version FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM products_product p WHERE p.id = product_id
    AND (p.institution_id = luhai_party() OR luhai_role() = 'system')));

ALTER TABLE products_branch ENABLE ROW LEVEL SECURITY;
CREATE POLICY branch_read ON products_branch FOR SELECT USING (true);
CREATE POLICY branch_add ON products_branch FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM products_product p WHERE p.id = product_id
    AND (p.institution_id = luhai_party() OR luhai_role() = 'system')));
CREATE POLICY branch_end ON products_branch FOR DELETE USING (EXISTS (
    SELECT FROM products_product p WHERE p.id = product_id
    AND (p.institution_id = luhai_party() OR luhai_role() = 'system')));
"""


class Migration(migrations.Migration):
    dependencies = [("products", "0001_initial"), ("shell", "0001_initial"), ("rules", "0001_initial")]
    operations = [
        migrations.RunSQL(PREDICATES, migrations.RunSQL.noop),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
