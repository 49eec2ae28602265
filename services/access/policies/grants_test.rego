package factory.decision_test

import data.factory.decision

test_no_grant if {
	denied(set_at(read_input, "/grants", []), ["agreement-unsigned", "grant-absent"])
	denied(set_at(read_input, "/grants/0/actions", ["train"]), ["agreement-unsigned", "grant-absent"])
	denied(set_at(read_input, "/grants/0/from", now + 1), ["agreement-unsigned", "grant-absent"])
}

test_last_second if {
	permitted(set_at(read_input, "/grants/0/until", now + 1))
	denied(set_at(read_input, "/grants/0/until", now), ["agreement-unsigned", "grant-expired"])
}

test_first_second if {
	permitted(set_at(read_input, "/grants/0/from", now))
	revoked_at_once := json.patch(read_input, [
		{"op": "replace", "path": "/grants/0/from", "value": now},
		{"op": "replace", "path": "/grants/0/revoked", "value": true},
	])
	denied(revoked_at_once, ["agreement-unsigned", "grant-revoked"])
}

test_revoked if denied(set_at(read_input, "/grants/0/revoked", true), ["agreement-unsigned", "grant-revoked"])

test_unsigned if denied(set_at(read_input, "/grants/0/agreement/signed", false), ["agreement-unsigned"])

other_grant(changes) := object.union(object.union(grant, {"id": id(1)}), changes)

with_grants(grants) := set_at(read_input, "/grants", grants)

test_grant_decides_alone if {
	result := verdict(set_at(read_input, "/grants/0/until", now))
	decision.required - {rule | some rule in result.passed} == {"grant"}
	unsigned := json.patch(read_input, [
		{"op": "replace", "path": "/grants/0/until", "value": now},
		{"op": "replace", "path": "/grants/0/agreement/signed", "value": false},
	])
	decision.required - {rule | some rule in verdict(unsigned).passed} == {"agreement", "grant"}
}

# The covering grant that began last tells the code, in whatever order they come.
test_one_code_among_several if {
	revoked_first := other_grant({"from": now - 20, "revoked": true})
	expired := other_grant({"from": now - 10, "until": now - 1})
	revoked_last := other_grant({"from": now - 5, "revoked": true})
	later := other_grant({"from": now + 5})
	every grants in [[revoked_first, expired], [expired, revoked_first], [later, expired]] {
		denied(with_grants(grants), ["agreement-unsigned", "grant-expired"])
	}
	every grants in [[expired, revoked_last], [revoked_last, expired]] {
		denied(with_grants(grants), ["agreement-unsigned", "grant-revoked"])
	}
	permitted(with_grants([revoked_first, expired, grant, later]))
}

# A signature under one purpose does not sign a grant for another.
test_purpose_and_signature_on_one_grant if {
	unsigned := other_grant({"agreement": {"id": id(1), "signed": false}})
	signed_for_another := other_grant({"purpose": "research/basic"})
	denied(with_grants([unsigned, signed_for_another]), ["agreement-unsigned"])
	denied(with_grants([signed_for_another]), ["purpose-not-permitted"])
	permitted(with_grants([unsigned, signed_for_another, grant]))
}
