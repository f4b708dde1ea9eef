-- Which raw components hold two people: pairs of nodes that cannot be one person, and why.

-- step: conflict_exclusive <- next_component, exclusive_link, generic_hub
WITH carried AS (
    SELECT c.component_no, e.node_no, e.type_no, e.scope, e.value_no FROM exclusive_link e
    JOIN next_component c ON c.node_no = e.node_no
    WHERE e.current AND e.value_no NOT IN (SELECT value_no FROM generic_hub)
), rival AS (
    SELECT component_no, type_no, scope FROM carried GROUP BY component_no, type_no, scope HAVING min(value_no) <> max(value_no)
)
SELECT * FROM carried WHERE (component_no, type_no, scope) IN (SELECT (component_no, type_no, scope) FROM rival);

-- step: named_component <- next_component, profile
SELECT c.component_no FROM next_component c JOIN profile p ON c.node_no = 2 * p.record_no AND NOT p.deleted
GROUP BY c.component_no HAVING min(p.name_key) <> max(p.name_key)
OR min(p.birthday) FILTER (length(p.birthday) = 10) <> max(p.birthday) FILTER (length(p.birthday) = 10);

-- step: masked_node <- next_component, masked_link
SELECT DISTINCT c.component_no, m.node_no, m.mask FROM masked_link m JOIN next_component c ON c.node_no = m.node_no;

-- step: plain_node <- masked_node, next_component, reach_link, identifier, identifier_type
SELECT DISTINCT c.component_no, c.node_no, i.value FROM next_component c
JOIN reach_link l ON l.node_no = c.node_no AND l.current JOIN identifier i ON i.identifier_no = l.value_no
JOIN identifier_type t ON t.type_no = l.type_no AND t.name = 'phone'
WHERE c.component_no IN (SELECT component_no FROM masked_node);

-- step: pair_exclusive <- conflict_exclusive
SELECT DISTINCT a.component_no, a.node_no AS a, b.node_no AS b FROM conflict_exclusive a
JOIN conflict_exclusive b ON b.component_no = a.component_no AND b.type_no = a.type_no AND b.scope = a.scope AND a.node_no < b.node_no
GROUP BY a.component_no, a.node_no, b.node_no, a.type_no, a.scope HAVING NOT bool_or(a.value_no = b.value_no);

-- step: named_node <- named_component, next_component, profile
SELECT c.component_no, c.node_no, p.name_key, CASE WHEN length(p.birthday) = 10 THEN p.birthday END AS birthday
FROM next_component c JOIN profile p ON c.node_no = 2 * p.record_no AND NOT p.deleted
WHERE (p.name_key IS NOT NULL OR length(p.birthday) = 10) AND c.component_no IN (SELECT component_no FROM named_component);
