-- What changed after run $since, named by the keys of the published tables. Deletions leave no row behind, so a person
-- is due when anything changed on, or next to, what the person holds or held.

-- step: publish_changed_node <- link, profile, bundle, assignment, consent
SELECT node_no FROM link WHERE changed_run > $since
UNION SELECT (2 * record_no)::INTEGER FROM profile WHERE changed_run > $since
UNION SELECT node_no FROM bundle WHERE changed_run > $since
UNION SELECT node_no FROM assignment WHERE changed_run > $since
UNION SELECT node_no FROM consent WHERE changed_run > $since AND node_no IS NOT NULL;

-- step: publish_changed_value <- publish_changed_node, link, derived, holding
-- Values that were and stay generic join nobody: a hotline's thousands of carriers are not due.
WITH direct AS (
    SELECT DISTINCT identifier_no FROM link WHERE class IS NOT NULL AND node_no IN (SELECT node_no FROM publish_changed_node)
), both_ways AS (
    SELECT identifier_no FROM direct
    UNION SELECT to_no FROM derived WHERE from_no IN (SELECT identifier_no FROM direct)
    UNION SELECT from_no FROM derived WHERE to_no IN (SELECT identifier_no FROM direct)
)
SELECT identifier_no FROM (
    SELECT identifier_no FROM both_ways UNION SELECT to_no FROM derived WHERE from_no IN (SELECT identifier_no FROM both_ways)
) WHERE identifier_no NOT IN (
    SELECT identifier_no FROM holding GROUP BY identifier_no HAVING bool_and(generic) AND max(changed_run) <= $since
);

-- step: publish_near <- publish_changed_node, publish_changed_value, link
SELECT node_no FROM publish_changed_node
UNION
SELECT node_no FROM link WHERE class IS NOT NULL AND identifier_no IN (SELECT identifier_no FROM publish_changed_value);

-- step: publish_person_no <- publish_near, component, assignment, person, contact, consent_state, provenance, lineage
SELECT person_no FROM assignment WHERE person_no IS NOT NULL AND node_no IN (
    SELECT node_no FROM publish_near
    UNION
    SELECT node_no FROM component
    WHERE component_no IN (SELECT component_no FROM component WHERE node_no IN (SELECT node_no FROM publish_near))
)
UNION SELECT person_no FROM person WHERE changed_run > $since
UNION SELECT person_no FROM contact WHERE changed_run > $since
UNION SELECT person_no FROM consent_state WHERE changed_run > $since
UNION SELECT person_no FROM provenance WHERE changed_run > $since
UNION SELECT person_no FROM person WHERE one_id IN (
    SELECT one_id FROM lineage WHERE run_no > $since UNION SELECT other_id FROM lineage WHERE run_no > $since
);

-- step: publish_person <- publish_person_no, person
SELECT person_no, one_id FROM person WHERE person_no IN (SELECT person_no FROM publish_person_no);

-- step: publish_member <- golden, person
SELECT person_no, one_id FROM person WHERE changed_run > $since
OR person_no IN (SELECT person_no FROM golden WHERE changed_run > $since);

-- step: publish_profile <- profile, assignment, source
SELECT f.record_no, s.name AS source, 'profile' AS kind, f.record_id FROM profile f JOIN source s ON s.source_no = f.source_no
WHERE f.changed_run > $since OR 2 * f.record_no IN (SELECT node_no FROM assignment WHERE changed_run > $since AND node_no % 2 = 0);

-- step: publish_lineage <- lineage
SELECT DISTINCT run_no FROM lineage WHERE run_no > $since;
