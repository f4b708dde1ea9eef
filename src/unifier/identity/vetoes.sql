-- Pairs of nodes that only weak evidence may not join: names that cannot be one person's, a mask that contradicts.

-- step: pair_name <- named_node, name_conflict, exclusive_link, generic_hub
-- Names that cannot be one person's and no birth date that agrees; or birth dates that differ and no name that agrees.
SELECT p.component_no, p.a, p.b FROM (
    SELECT a.component_no, a.node_no AS a, b.node_no AS b FROM named_node a
    JOIN named_node b ON b.component_no = a.component_no AND a.node_no < b.node_no
    LEFT JOIN name_conflict n ON n.a = least(a.name_key, b.name_key) AND n.b = greatest(a.name_key, b.name_key)
    WHERE CASE WHEN n.a IS NOT NULL THEN coalesce(a.birthday <> b.birthday, true)
               WHEN a.name_key IS NOT NULL AND b.name_key IS NOT NULL THEN false
               ELSE coalesce(a.birthday <> b.birthday, false) END
) p WHERE NOT EXISTS (
    SELECT 1 FROM exclusive_link x JOIN exclusive_link y ON y.value_no = x.value_no
    WHERE x.node_no = p.a AND y.node_no = p.b AND x.current AND y.current
    AND x.value_no NOT IN (SELECT value_no FROM generic_hub)
);

-- step: pair_masked <- masked_node, plain_node
SELECT m.component_no, least(m.node_no, p.node_no) AS a, greatest(m.node_no, p.node_no) AS b
FROM masked_node m JOIN plain_node p ON p.component_no = m.component_no AND p.node_no <> m.node_no
GROUP BY m.component_no, m.node_no, p.node_no, m.mask HAVING bool_and({contradicts});

-- step: conflict_pair <- pair_exclusive, pair_name, pair_masked
SELECT component_no, a, b, true AS hard FROM pair_exclusive
UNION
SELECT component_no, a, b, false FROM pair_name
UNION
SELECT component_no, a, b, false FROM pair_masked;

-- step: contested_edge <- edge, next_component, conflict_pair
-- A carrier in several roles has the strongest one's class.
SELECT e.node_no, e.hub_no, min(e.class)::TINYINT AS class FROM edge e JOIN next_component c ON c.node_no = e.node_no
WHERE c.component_no IN (SELECT component_no FROM conflict_pair) GROUP BY e.node_no, e.hub_no;
