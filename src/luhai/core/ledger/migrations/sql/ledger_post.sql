-- Post a batch of transfers, one after the other, in the caller's transaction. The only writer of balances.
--
-- Parallel arrays, one element a transfer; NULL for an array all of whose elements would be NULL.
-- p_flags: 1 linked with the next, 2 up to (balancing). Answers only the exceptions: rows that were refused, or that
-- moved another amount than was asked. docs/algorithms/ledger.md explains the two paths.
CREATE FUNCTION ledger_post(
    p_at timestamptz, p_id uuid[], p_kind text[], p_debit uuid[], p_credit uuid[], p_unit text[], p_amount bigint[],
    p_hold uuid[], p_expires timestamptz[], p_flags integer[], p_code text[], p_subject uuid[]
) RETURNS TABLE (o integer, moved bigint, refused text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    c_max_amount CONSTANT bigint := 9007199254740991;      -- 2^53 - 1
    c_max_sum    CONSTANT bigint := 4611686018427387903;   -- 2^62 - 1
    n integer := coalesce(cardinality(p_id), 0);
    v_plain boolean; v_holds boolean; v_clean boolean; v_count integer;
    a_id uuid[]; a_unit text[]; a_dp bigint[]; a_dn bigint[]; a_cp bigint[]; a_cn bigint[];
    b_unit text[]; b_bound text[]; b_state text[]; b_dp bigint[]; b_dn bigint[]; b_cp bigint[]; b_cn bigint[];
BEGIN
    IF n = 0 THEN RETURN; END IF;

    -- 1. What the batch would add to each account, were every transfer made: no table is read for this.
    WITH t AS MATERIALIZED (
        SELECT * FROM unnest(p_id, p_kind, p_debit, p_credit, p_unit, p_amount, p_hold, p_expires, p_flags)
            WITH ORDINALITY AS u (id, kind, debit, credit, unit, amount, hold, expires, flags, o)
    ), legs AS (
        SELECT debit AS account, unit, kind = 'hold' AS held, amount AS debited, NULL::bigint AS credited FROM t
        UNION ALL
        SELECT credit, unit, kind = 'hold', NULL, amount FROM t
    ), sums AS (
        SELECT account, unit,
            least(coalesce(sum(debited) FILTER (WHERE NOT held), 0), c_max_sum + 1)::bigint AS dp,
            least(coalesce(sum(debited) FILTER (WHERE held), 0), c_max_sum + 1)::bigint AS dn,
            least(coalesce(sum(credited) FILTER (WHERE NOT held), 0), c_max_sum + 1)::bigint AS cp,
            least(coalesce(sum(credited) FILTER (WHERE held), 0), c_max_sum + 1)::bigint AS cn
        FROM legs GROUP BY account, unit ORDER BY account
    )
    SELECT r.plain, r.holds, s.id, s.unit, s.dp, s.dn, s.cp, s.cn
    INTO v_plain, v_holds, a_id, a_unit, a_dp, a_dn, a_cp, a_cn
    FROM (
        SELECT bool_and(coalesce(
                kind IN ('post', 'hold') AND amount BETWEEN 1 AND c_max_amount AND debit <> credit AND unit IS NOT NULL
                AND hold IS NULL AND (expires IS NULL OR kind = 'hold' AND expires > p_at)
                AND flags & 2 = 0 AND (flags & 1 = 0 OR o < n), false)) AS plain,
            bool_or(kind = 'hold') AS holds
        FROM t
    ) r, (
        SELECT array_agg(account) AS id, array_agg(unit) AS unit, array_agg(dp) AS dp, array_agg(dn) AS dn,
            array_agg(cp) AS cp, array_agg(cn) AS cn
        FROM sums
    ) s;

    -- 2. The short path: nothing in the batch needs a second look, and no order of its transfers can break a bound.
    IF v_plain THEN
        BEGIN
            -- Locks in key order: no two batches wait for each other. The rows are answered as they are once locked.
            SELECT array_agg(unit), array_agg(bound), array_agg(state), array_agg(debits_posted),
                array_agg(debits_pending), array_agg(credits_posted), array_agg(credits_pending)
            INTO b_unit, b_bound, b_state, b_dp, b_dn, b_cp, b_cn
            FROM (SELECT * FROM ledger_account WHERE id = ANY (a_id) ORDER BY id FOR NO KEY UPDATE) a;

            IF cardinality(b_unit) = cardinality(a_id) THEN
                SELECT bool_and(
                        a.unit = b.unit AND b.state = 'open'
                        AND a.dp::numeric + b.dp + a.dn + b.dn <= CASE b.bound WHEN 'debits' THEN b.cp ELSE c_max_sum END
                        AND a.cp::numeric + b.cp + a.cn + b.cn <= CASE b.bound WHEN 'credits' THEN b.dp ELSE c_max_sum END)
                INTO v_clean
                FROM unnest(a_unit, a_dp, a_dn, a_cp, a_cn, b_unit, b_bound, b_state, b_dp, b_dn, b_cp, b_cn)
                    AS z (aunit, adp, adn, acp, acn, bunit, bound, state, bdp, bdn, bcp, bcn),
                    LATERAL (SELECT aunit AS unit, adp AS dp, adn AS dn, acp AS cp, acn AS cn) a,
                    LATERAL (SELECT bunit AS unit, bound, state, bdp AS dp, bdn AS dn, bcp AS cp, bcn AS cn) b;
            ELSE
                v_clean := false;
            END IF;

            IF v_clean THEN
                -- In id order, so that two batches with the same ids cannot wait for each other either.
                INSERT INTO ledger_transfer
                    (id, debit, credit, seq, amount, asked, at, kind, unit, code, up_to, subject, expires_at)
                SELECT t.id, t.debit, t.credit, t.seq, t.amount, t.amount, p_at, t.kind, t.unit, coalesce(t.code, ''),
                    false, t.subject, t.expires
                FROM unnest(p_id, p_debit, p_credit, ARRAY(SELECT nextval('ledger_seq') FROM generate_series(1, n)),
                        p_amount, p_kind, p_unit, p_code, p_subject, p_expires)
                    AS t (id, debit, credit, seq, amount, kind, unit, code, subject, expires)
                ORDER BY t.id;

                UPDATE ledger_account a
                SET debits_posted = a.debits_posted + s.dp, debits_pending = a.debits_pending + s.dn,
                    credits_posted = a.credits_posted + s.cp, credits_pending = a.credits_pending + s.cn
                FROM unnest(a_id, a_dp, a_dn, a_cp, a_cn) AS s (id, dp, dn, cp, cn)
                WHERE a.id = s.id;

                IF v_holds THEN
                    INSERT INTO ledger_hold (id, debit, credit, remaining, expires_at)
                    SELECT t.id, t.debit, t.credit, t.amount, t.expires
                    FROM unnest(p_id, p_kind, p_debit, p_credit, p_amount, p_expires)
                        AS t (id, kind, debit, credit, amount, expires)
                    WHERE t.kind = 'hold' ORDER BY t.id;
                END IF;
                RETURN;
            END IF;
        EXCEPTION WHEN unique_violation THEN
            NULL;  -- some id is known: the long path answers it
        END;
    END IF;

    -- 3. The long path: transfer after transfer. An id, a hold or an account (LH001) that another adds at this moment
    -- shows on the next round.
    FOR v_count IN 1..100 LOOP
        BEGIN
            RETURN QUERY SELECT * FROM ledger_post_in_turn(
                p_at, p_id, p_kind, p_debit, p_credit, p_unit, p_amount, p_hold, p_expires, p_flags, p_code, p_subject);
            RETURN;
        EXCEPTION WHEN unique_violation OR SQLSTATE 'LH001' THEN
            NULL;
        END;
    END LOOP;
    RAISE EXCEPTION 'ids of this batch keep arriving from elsewhere' USING ERRCODE = 'serialization_failure';
END $$;
