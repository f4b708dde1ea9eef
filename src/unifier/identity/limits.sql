-- Counted limits: a person carries at most so many values of a type; the strongest stay.

-- step: firm_cluster <- next_component, resolved
SELECT c.node_no, coalesce(r.cluster_no, c.component_no) AS cluster_no, c.edges
FROM next_component c LEFT JOIN resolved r ON r.node_no = c.node_no;

-- step: rich_edge <- edge, firm_cluster, hub, type_rule, refused
-- A surplus takes more than n shared values, so at least 2 (n + 1) edges: few clusters have that many.
SELECT k.cluster_no, e.node_no, e.hub_no, e.class, h.value_no, h.type_no, t.max_per_person
FROM edge e JOIN (SELECT * FROM firm_cluster WHERE edges >= 2 * ((SELECT min(max_per_person) FROM type_rule WHERE max_per_person > 1) + 1)) k
    ON k.node_no = e.node_no
JOIN hub h ON h.hub_no = e.hub_no JOIN type_rule t ON t.type_no = h.type_no AND t.max_per_person > 1
WHERE (e.node_no, e.hub_no) NOT IN (SELECT (node_no, hub_no) FROM refused);

-- step: shared_value <- rich_edge
SELECT cluster_no, type_no, value_no, any_value(max_per_person) AS max_per_person, min(class) AS class FROM rich_edge
GROUP BY cluster_no, type_no, value_no HAVING min(node_no) <> max(node_no);

-- step: rich_value <- shared_value, identifier
SELECT r.cluster_no, r.type_no, i.scope, r.value_no, i.value, r.max_per_person, r.class
FROM shared_value r JOIN identifier i ON i.identifier_no = r.value_no
WHERE (r.cluster_no, r.type_no) IN (
    SELECT (cluster_no, type_no) FROM shared_value GROUP BY cluster_no, type_no HAVING count(*) > any_value(max_per_person));

-- step: rich_capacity <- rich_value, rich_edge, reach_link, bundle
SELECT v.cluster_no, v.value_no, sum(least(100, 1 + date_diff('day', l.first_at::DATE, l.last_at::DATE) // 30 + coalesce(b.records, 0)))::BIGINT AS capacity
FROM rich_value v JOIN (SELECT DISTINCT cluster_no, value_no, node_no FROM rich_edge) r ON r.cluster_no = v.cluster_no AND r.value_no = v.value_no
JOIN reach_link l ON l.node_no = r.node_no AND l.value_no = r.value_no
LEFT JOIN bundle b ON b.node_no = l.node_no GROUP BY v.cluster_no, v.value_no;

-- step: surplus <- rich_value, rich_capacity
SELECT v.cluster_no, v.value_no FROM rich_value v
JOIN rich_capacity c ON c.cluster_no = v.cluster_no AND c.value_no = v.value_no
QUALIFY row_number() OVER (PARTITION BY v.cluster_no, v.type_no, v.scope ORDER BY v.class, c.capacity DESC, v.value) > v.max_per_person;

-- step: surplus_edge <- rich_edge, surplus
SELECT DISTINCT r.node_no, r.hub_no, r.class, 'limit' AS refused_by FROM rich_edge r
JOIN surplus s ON s.cluster_no = r.cluster_no AND s.value_no = r.value_no;

-- step: loose_edge <- edge, firm_cluster, surplus, refused, surplus_edge
-- What is left of the clusters that lost a surplus value.
SELECT e.node_no, e.hub_no FROM edge e JOIN firm_cluster k ON k.node_no = e.node_no
WHERE k.cluster_no IN (SELECT cluster_no FROM surplus)
AND (e.node_no, e.hub_no) NOT IN (SELECT (node_no, hub_no) FROM refused)
AND (e.node_no, e.hub_no) NOT IN (SELECT (node_no, hub_no) FROM surplus_edge);
