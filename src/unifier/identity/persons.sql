-- Who keeps which OneID.

-- step: next_cluster <- firm_cluster, loose_cluster, surplus
SELECT k.node_no, CASE WHEN s.cluster_no IS NULL THEN k.cluster_no ELSE coalesce(l.cluster_no, k.node_no) END AS cluster_no
FROM firm_cluster k LEFT JOIN (SELECT DISTINCT cluster_no FROM surplus) s ON s.cluster_no = k.cluster_no
LEFT JOIN loose_cluster l ON l.node_no = k.node_no;

-- step: member <- reach_live, next_cluster, assignment
SELECT n.node_no, coalesce(k.cluster_no, n.node_no) AS cluster_no, a.person_no, n.founds
FROM reach_live n LEFT JOIN next_cluster k ON k.node_no = n.node_no
LEFT JOIN assignment a ON a.node_no = n.node_no;

-- step: cluster_stat <- member
SELECT cluster_no, min(person_no) AS lowest, max(person_no) AS highest FROM member
GROUP BY cluster_no HAVING bool_or(founds);

-- step: person_stat <- member
SELECT person_no, min(cluster_no) AS lowest, max(cluster_no) AS highest FROM member WHERE person_no IS NOT NULL GROUP BY person_no;

-- step: kept <- cluster_stat, person_stat
SELECT c.cluster_no, c.lowest AS person_no FROM cluster_stat c JOIN person_stat p ON p.person_no = c.lowest
WHERE c.lowest = c.highest AND p.lowest = p.highest;

-- step: hard_member <- member, cluster_stat, kept
SELECT node_no, cluster_no, person_no FROM member WHERE person_no IS NOT NULL
AND cluster_no IN (SELECT cluster_no FROM cluster_stat WHERE lowest IS NOT NULL AND cluster_no NOT IN (SELECT cluster_no FROM kept));

-- step: leaving <- assignment, reach_node_all, kept
-- Nodes of persons that may end: everything such a person held, also what is gone or unattached now.
SELECT a.node_no, a.person_no FROM assignment a WHERE a.person_no IS NOT NULL
AND a.node_no IN (SELECT node_no FROM reach_node_all)
AND a.person_no NOT IN (SELECT person_no FROM kept);

-- step: comeback <- person_end, member, cluster_stat, kept
SELECT e.person_no, e.node_no, m.cluster_no FROM person_end e LEFT JOIN member m ON m.node_no = e.node_no
AND m.cluster_no IN (SELECT cluster_no FROM cluster_stat) AND m.cluster_no NOT IN (SELECT cluster_no FROM kept)
WHERE e.person_no IN (SELECT x.person_no FROM person_end x JOIN member y ON y.node_no = x.node_no
                      WHERE y.cluster_no NOT IN (SELECT cluster_no FROM kept));

-- step: founder <- member, cluster_stat, kept, profile, bundle, source
-- The smallest record key among the profiles of a cluster, else among its bundles.
WITH open_member AS (
    SELECT node_no, cluster_no FROM member WHERE cluster_no IN (SELECT cluster_no FROM cluster_stat)
    AND cluster_no NOT IN (SELECT cluster_no FROM kept)
), by_profile AS (
    SELECT m.cluster_no, min(concat_ws(chr(31), s.name, 'profile', p.record_id)) AS founder
    FROM open_member m JOIN profile p ON m.node_no = 2 * p.record_no JOIN source s ON s.source_no = p.source_no GROUP BY m.cluster_no
)
SELECT cluster_no, founder FROM by_profile
UNION ALL
SELECT m.cluster_no, min(concat_ws(chr(31), s.name, 'bundle', lower(hex(b.set_hash)) || '@' || b.island_from::DATE))
FROM open_member m JOIN bundle b ON b.node_no = m.node_no JOIN source s ON s.source_no = b.source_no
WHERE m.cluster_no NOT IN (SELECT cluster_no FROM by_profile) GROUP BY m.cluster_no;

-- step: node_weight <- hard_member, leaving, link, type_rule, sale, bundle
WITH wanted AS (SELECT node_no FROM hard_member UNION SELECT node_no FROM leaving)
SELECT w.node_no, coalesce(k.anchors, 0)::INTEGER AS anchors, coalesce(s.money, 0)::BIGINT AS money,
       CASE WHEN w.node_no % 2 = 0 THEN 1 ELSE coalesce(b.records, 0) END::INTEGER AS records
FROM wanted w
LEFT JOIN (SELECT l.node_no, count(DISTINCT l.identifier_no) AS anchors FROM link l JOIN type_rule t ON t.type_no = l.type_no AND t.anchor
           WHERE l.class IS NOT NULL AND l.node_no IN (SELECT node_no FROM wanted) GROUP BY l.node_no) k ON k.node_no = w.node_no
LEFT JOIN (SELECT node_no, sum(net_amount) AS money FROM sale WHERE counted_as = 'counted'
           AND node_no IN (SELECT node_no FROM wanted) GROUP BY node_no) s ON s.node_no = w.node_no
LEFT JOIN bundle b ON b.node_no = w.node_no;

-- step: overlap <- hard_member, node_weight, person, founder
SELECT m.person_no, m.cluster_no, row_number() OVER (
           ORDER BY sum(w.anchors) DESC, sum(w.money) DESC, sum(w.records) DESC, any_value(p.minted_run), any_value(p.one_id),
                    replace(any_value(f.founder), chr(31) || 'bundle' || chr(31), chr(31) || 'z' || chr(31)))::INTEGER AS rank
FROM hard_member m JOIN node_weight w ON w.node_no = m.node_no JOIN person p ON p.person_no = m.person_no
JOIN founder f ON f.cluster_no = m.cluster_no GROUP BY m.person_no, m.cluster_no;
