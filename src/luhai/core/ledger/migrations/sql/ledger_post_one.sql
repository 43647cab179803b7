-- A batch of one, for the many callers who move one thing at a time: what ledger_post does, without its arrays.
--
-- Only a transfer that needs no second look is made here: a post or a hold of a good amount between two open accounts of its
-- unit, with room on both, under an id that is new. Everything else is answered by ledger_post, as it always was.
CREATE FUNCTION ledger_post_one(
    p_at timestamptz, p_id uuid, p_kind text, p_debit uuid, p_credit uuid, p_unit text, p_amount bigint,
    p_expires timestamptz, p_code text, p_subject uuid
) RETURNS TABLE (o integer, moved bigint, refused text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    c_max_amount CONSTANT bigint := 9007199254740991;      -- 2^53 - 1
    c_max_sum    CONSTANT bigint := 4611686018427387903;   -- 2^62 - 1
    d ledger_account; c ledger_account;
BEGIN
    IF p_kind IN ('post', 'hold') AND p_amount BETWEEN 1 AND c_max_amount AND p_debit <> p_credit
        AND (p_expires IS NULL OR p_kind = 'hold' AND p_expires > p_at) THEN
        -- Locks in key order, as everybody's.
        IF p_debit < p_credit THEN
            SELECT * INTO d FROM ledger_account WHERE id = p_debit FOR NO KEY UPDATE;
            SELECT * INTO c FROM ledger_account WHERE id = p_credit FOR NO KEY UPDATE;
        ELSE
            SELECT * INTO c FROM ledger_account WHERE id = p_credit FOR NO KEY UPDATE;
            SELECT * INTO d FROM ledger_account WHERE id = p_debit FOR NO KEY UPDATE;
        END IF;
        -- An account that is not there leaves NULLs, and NULL is not true.
        IF d.state = 'open' AND c.state = 'open' AND d.unit = p_unit AND c.unit = p_unit
            AND d.debits_posted + d.debits_pending
                <= (CASE d.bound WHEN 'debits' THEN d.credits_posted ELSE c_max_sum END) - p_amount
            AND c.credits_posted + c.credits_pending
                <= (CASE c.bound WHEN 'credits' THEN c.debits_posted ELSE c_max_sum END) - p_amount THEN
            INSERT INTO ledger_transfer
                (id, debit, credit, seq, amount, asked, at, kind, unit, code, up_to, subject, expires_at)
            VALUES (p_id, p_debit, p_credit, nextval('ledger_seq'), p_amount, p_amount, p_at, p_kind, p_unit,
                coalesce(p_code, ''), false, p_subject, p_expires)
            ON CONFLICT (id) DO NOTHING;
            IF FOUND THEN
                IF p_kind = 'post' THEN
                    UPDATE ledger_account SET debits_posted = debits_posted + p_amount WHERE id = p_debit;
                    UPDATE ledger_account SET credits_posted = credits_posted + p_amount WHERE id = p_credit;
                ELSE
                    UPDATE ledger_account SET debits_pending = debits_pending + p_amount WHERE id = p_debit;
                    UPDATE ledger_account SET credits_pending = credits_pending + p_amount WHERE id = p_credit;
                    INSERT INTO ledger_hold (id, debit, credit, remaining, expires_at)
                    VALUES (p_id, p_debit, p_credit, p_amount, p_expires);
                END IF;
                RETURN;
            END IF;
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM ledger_post(
        p_at, ARRAY[p_id], ARRAY[p_kind], ARRAY[p_debit], ARRAY[p_credit], ARRAY[p_unit], ARRAY[p_amount], NULL,
        ARRAY[p_expires], ARRAY[0], ARRAY[p_code], ARRAY[p_subject]);
END $$;
REVOKE ALL ON FUNCTION ledger_post_one(
    timestamptz, uuid, text, uuid, uuid, text, bigint, timestamptz, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_post_one(
    timestamptz, uuid, text, uuid, uuid, text, bigint, timestamptz, text, uuid) TO luhai_app;
