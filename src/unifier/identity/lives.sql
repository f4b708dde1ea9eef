-- step: minted_person <- minted_row, person
SELECT (ordinal + (SELECT coalesce(max(person_no), -1) + 1 FROM person))::INTEGER AS person_no, cluster_no, founder, n, one_id
FROM minted_row;

-- step: cluster_person <- kept, matched, revivable, minted_person
SELECT cluster_no, person_no FROM kept UNION ALL SELECT cluster_no, person_no FROM matched
UNION ALL SELECT cluster_no, person_no FROM revivable UNION ALL SELECT cluster_no, person_no FROM minted_person;

-- step: next_assignment <- member, cluster_person, leaving
SELECT m.node_no, k.person_no FROM member m LEFT JOIN cluster_person k ON k.cluster_no = m.cluster_no
WHERE k.person_no IS NOT NULL OR m.person_no IS NOT NULL
UNION ALL
SELECT l.node_no, NULL FROM leaving l WHERE l.node_no NOT IN (SELECT node_no FROM member);

-- step: ended <- leaving, matched, overlap, cluster_person
SELECT l.person_no, k.person_no AS into_no FROM (
    SELECT DISTINCT person_no FROM leaving WHERE person_no NOT IN (SELECT person_no FROM matched)
) l LEFT JOIN (SELECT person_no, arg_min(cluster_no, rank) AS cluster_no FROM overlap GROUP BY person_no) o ON o.person_no = l.person_no
LEFT JOIN cluster_person k ON k.cluster_no = o.cluster_no;

-- step: next_person <- person, ended, revivable, minted_person
SELECT p.person_no, p.realm, p.one_id, p.founder, p.n, p.minted_run,
       CASE WHEN e.into_no IS NULL THEN 'retired' ELSE 'merged' END AS state, e.into_no
FROM person p JOIN ended e ON e.person_no = p.person_no
UNION ALL
SELECT p.person_no, p.realm, p.one_id, p.founder, p.n, p.minted_run, 'active', NULL
FROM person p JOIN revivable r ON r.person_no = p.person_no
UNION ALL
SELECT person_no, 'main', one_id, founder, n, $run_no, 'active', NULL FROM minted_person;

-- step: touched_person <- next_person
SELECT person_no FROM next_person;

-- step: next_person_end <- ended, leaving, node_weight
SELECT l.person_no, l.node_no, w.anchors, w.money, w.records, $run_no AS run_no FROM leaving l
JOIN ended e ON e.person_no = l.person_no JOIN node_weight w ON w.node_no = l.node_no;

-- step: split_off <- member, cluster_person
-- A cluster that got another id than its nodes had was split off that id, if the id lives on.
SELECT DISTINCT k.person_no AS person_no, m.person_no AS from_no, k.cluster_no FROM member m
JOIN cluster_person k ON k.cluster_no = m.cluster_no AND k.person_no <> m.person_no
WHERE m.person_no IN (SELECT person_no FROM cluster_person);

-- step: ~all_person <- person, minted_person
SELECT person_no, one_id FROM person UNION ALL SELECT person_no, one_id FROM minted_person;

-- step: refused_cluster <- refused, surplus_edge, next_cluster
SELECT DISTINCT k.cluster_no FROM (SELECT node_no FROM refused UNION ALL SELECT node_no FROM surplus_edge) r
JOIN next_cluster k ON k.node_no = r.node_no;

-- step: next_lineage <- ended, person, revivable, split_off, all_person, refused_cluster
SELECT 'merged' AS event, p.one_id, q.one_id AS other_id, 'record' AS cause FROM ended e
JOIN person p ON p.person_no = e.person_no JOIN all_person q ON q.person_no = e.into_no
UNION ALL
SELECT 'retired', p.one_id, NULL, 'deletion' FROM ended e JOIN person p ON p.person_no = e.person_no WHERE e.into_no IS NULL
UNION ALL
SELECT 'revived', p.one_id, NULL, 'record' FROM revivable r JOIN person p ON p.person_no = r.person_no
UNION ALL
SELECT 'split', p.one_id, q.one_id, CASE WHEN s.cluster_no IN (SELECT cluster_no FROM refused_cluster) THEN 'limit' ELSE 'record' END
FROM split_off s JOIN all_person p ON p.person_no = s.person_no JOIN all_person q ON q.person_no = s.from_no;

-- step: next_conflict <- refused, surplus_edge, hub, next_cluster, edge, identifier_type
WITH every AS (SELECT * FROM refused UNION SELECT * FROM surplus_edge),
     other AS (
         SELECT r.node_no, r.hub_no, min(e.node_no) AS other_node FROM every r
         JOIN next_cluster k ON k.node_no = r.node_no JOIN edge e ON e.hub_no = r.hub_no
         JOIN next_cluster j ON j.node_no = e.node_no AND j.cluster_no <> k.cluster_no GROUP BY r.node_no, r.hub_no
     )
SELECT r.node_no, h.value_no AS identifier_no, h.holding, min(r.class)::TINYINT AS class, min(r.refused_by) AS refused_by,
       any_value(o.other_node) AS other_node,
       CASE WHEN min(r.class) = 5 AND any_value(t.name) LIKE 'phone%' THEN 'staff'
            WHEN any_value(t.name) LIKE 'phone%' THEN 'household' ELSE 'unknown' END AS relation
FROM every r JOIN hub h ON h.hub_no = r.hub_no JOIN identifier_type t ON t.type_no = h.type_no
LEFT JOIN other o ON o.node_no = r.node_no AND o.hub_no = r.hub_no
GROUP BY r.node_no, h.value_no, h.holding;
