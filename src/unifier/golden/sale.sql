-- What counts as a sale, once. $since is the mark, $currency the project's, {day} the local day of a time.

-- step: sale_order <- order, refund
SELECT record_no FROM "order" WHERE changed_run > $since
UNION
SELECT o.record_no FROM refund r JOIN "order" o ON o.source_no = r.source_no AND o.record_id = r.order_id WHERE r.changed_run > $since;

-- step: sale_rival <- order, sale_order
-- Orders that share an external number stand or fall together.
SELECT DISTINCT o.external_issuer, o.external_no FROM "order" o
WHERE o.external_no IS NOT NULL {changed};

-- step: sale_second <- order, sale_rival, source_rank
-- All but the most trusted of the orders under one external number, deleted ones aside.
SELECT o.record_no FROM "order" o JOIN source_rank s ON s.source_no = o.source_no
WHERE o.external_no IS NOT NULL AND NOT o.deleted
AND (o.external_issuer, o.external_no) IN (SELECT (external_issuer, external_no) FROM sale_rival)
QUALIFY row_number() OVER (PARTITION BY o.external_issuer, o.external_no ORDER BY s.rank, s.name, o.record_id) > 1;

-- step: sale_refund <- refund, order
SELECT o.record_no, sum(r.amount)::BIGINT AS amount FROM refund r
JOIN "order" o ON o.source_no = r.source_no AND o.record_id = r.order_id
WHERE r.status = 'success' AND NOT r.deleted GROUP BY o.record_no;

-- step: sale_scope <- sale_order, sale_rival, order
SELECT record_no AS order_no FROM sale_order
UNION
SELECT record_no FROM "order" WHERE external_no IS NOT NULL
AND (external_issuer, external_no) IN (SELECT (external_issuer, external_no) FROM sale_rival);

-- step: ~next_sale <- order, sale_scope, sale_refund, sale_second
SELECT o.record_no AS order_no, o.node_no, {day} AS day, coalesce(o.paid_at, o.ordered_at) AS "at", o.amount,
       o.discount, greatest(0, o.amount - coalesce(r.amount, 0))::BIGINT AS net_amount,
       o.channel, o.scene, o.store, o.guide, o.campaign,
       CASE WHEN o.deleted THEN 'deleted'
            WHEN NOT (o.status IN ('paid', 'shipped', 'completed') OR (o.status = 'closed' AND o.paid_at IS NOT NULL)) THEN 'unpaid'
            WHEN coalesce(o.grain, 'receipt') <> 'receipt' THEN 'not_receipt'
            WHEN coalesce(o.type, 'sale') <> 'sale' THEN 'not_sale'
            WHEN coalesce(o.currency, $currency) <> $currency THEN 'foreign_currency'
            WHEN o.amount IS NULL THEN 'no_amount'
            WHEN s.record_no IS NOT NULL THEN 'duplicate'
            ELSE 'counted' END AS counted_as
FROM "order" o LEFT JOIN sale_refund r ON r.record_no = o.record_no
LEFT JOIN sale_second s ON s.record_no = o.record_no
WHERE {within};
