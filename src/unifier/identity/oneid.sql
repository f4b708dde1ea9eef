-- Old ids to new clusters, revived ids, new ids, and the lines of the lineage.

-- step: revivable <- comeback, person_end, person, matched
SELECT cluster_no, person_no FROM (
    SELECT r.cluster_no, r.person_no, row_number() OVER (PARTITION BY r.cluster_no ORDER BY r.anchors DESC, r.money DESC,
               r.records DESC, p.minted_run, p.one_id) AS place
    FROM (
        SELECT e.person_no, e.cluster_no, sum(w.anchors) AS anchors, sum(w.money) AS money, sum(w.records) AS records
        FROM comeback e JOIN person_end w ON w.person_no = e.person_no AND w.node_no = e.node_no
        WHERE e.cluster_no IS NOT NULL AND e.cluster_no NOT IN (SELECT cluster_no FROM matched) GROUP BY ALL
    ) r JOIN (
        SELECT person_no, sum(anchors) AS anchors, sum(money) AS money, sum(records) AS records FROM person_end GROUP BY person_no
    ) t ON t.person_no = r.person_no
    JOIN person p ON p.person_no = r.person_no AND p.state IN ('merged', 'retired')
    WHERE CASE WHEN t.anchors > 0 THEN 2 * r.anchors > t.anchors WHEN t.money > 0 THEN 2 * r.money > t.money
               ELSE 2 * r.records > t.records END
) WHERE place = 1;

-- step: ~minted_key <- cluster_stat, kept, matched, revivable, founder, person
SELECT c.cluster_no, f.founder, (SELECT count(*) FROM person p WHERE p.founder = f.founder)::INTEGER AS n
FROM cluster_stat c JOIN founder f ON f.cluster_no = c.cluster_no
WHERE c.cluster_no NOT IN (SELECT cluster_no FROM kept) AND c.cluster_no NOT IN (SELECT cluster_no FROM matched)
AND c.cluster_no NOT IN (SELECT cluster_no FROM revivable);

-- step: minted_row#ordinal <- minted_key
SELECT cluster_no, founder, n, {spelled} AS one_id FROM (SELECT *, {keyed} AS digest FROM minted_key);
