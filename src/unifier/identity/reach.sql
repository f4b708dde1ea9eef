-- What a run must look at again: changed nodes, everybody on the values they carry, and their old components.
-- $since is the mark: 0 reaches everything.

-- step: changed_node <- link, profile, bundle
SELECT DISTINCT node_no FROM (
    SELECT node_no FROM link WHERE changed_run > $since
    UNION ALL
    SELECT (2 * record_no)::INTEGER FROM profile WHERE changed_run > $since
    UNION ALL
    SELECT node_no FROM bundle WHERE changed_run > $since
);

-- step: touched_value <- changed_node, link, derived
-- What never links may still say what a hash stands for.
WITH direct AS (
         SELECT DISTINCT identifier_no FROM link WHERE node_no IN (SELECT node_no FROM changed_node)
         AND (class IS NOT NULL OR identifier_no IN (SELECT from_no FROM derived))
     ),
     masked AS (
         SELECT identifier_no FROM direct
         UNION SELECT to_no FROM derived WHERE from_no IN (SELECT identifier_no FROM direct)
         UNION SELECT from_no FROM derived WHERE to_no IN (SELECT identifier_no FROM direct)
     )
SELECT identifier_no FROM masked
UNION SELECT to_no FROM derived WHERE from_no IN (SELECT identifier_no FROM masked);

-- step: near_node <- changed_node, touched_value, link
SELECT node_no FROM changed_node
UNION
SELECT node_no FROM link WHERE class IS NOT NULL AND identifier_no IN (SELECT identifier_no FROM touched_value);

-- step: reach_node <- near_node, component
SELECT node_no FROM near_node
UNION
SELECT node_no FROM component WHERE component_no IN (
    SELECT component_no FROM component WHERE node_no IN (SELECT node_no FROM near_node)
);

-- step: ~reach_node_all <- reach_node
SELECT node_no FROM reach_node;
