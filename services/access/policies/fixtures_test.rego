# Inputs that are permitted, for the tests to take something away from.
package factory.decision_test

import data.factory.decision

id(n) := concat("", ["00000000-0000-7000-8000-00000000000", format_int(n, 10)])

now := 1795600000

end_of_time := 253402300799

read_input := {
	"schema": 1,
	"request": {"action": "read", "purpose": "research/health", "paths_digest": ""},
	"subject": {"id": id(1), "active": true},
	"partner": {"id": id(2), "sector": "academia", "country": "SE", "active": true},
	"project": {
		"id": id(3), "purpose": "research", "open": true, "starts": 0, "ends": end_of_time, "partner_ids": [id(2)],
		"ethics_until": end_of_time,
	},
	"membership": {"active": true, "role": "member"},
	"dataset": {"id": id(4), "state": "published", "integrity_class": "internal", "partner_id": id(5)},
	"version": {"id": id(6), "state": "released", "gate": "not-required", "personal_data": "no"},
	"terms": {
		"schema": 1,
		"actions": ["read", "prepare", "train", "deploy", "share-derivative"],
		"purposes": {"any": false, "list": ["research"]},
		"recipients": {"any": true, "partners": [], "sectors": []},
		"countries": {"any": true, "list": []},
		"countries_stated": false,
		"period": {"from": 0, "until": end_of_time},
		"commercial": false,
		"courses": ["using-donated-data"],
		"gate": "none",
		"derived_use": "allowed",
		"attribution": "",
		"deletion_days": -1,
	},
	"completions": [{"course": "using-donated-data", "from": now - 10, "until": now + 10}],
	"grants": [grant],
	"environment": {"now": now, "cluster": {"kind": "none"}},
}

grant := {
	"id": id(7), "actions": ["read", "prepare", "train", "deploy", "share-derivative"], "purpose": "research",
	"from": now - 10, "until": now + 10, "revoked": false, "agreement": {"id": id(8), "signed": true},
}

sandbox := {
	"kind": "local", "id": id(9), "isolation": "sandbox", "own": true, "country": "SE",
	"audit": {"kind": "audit", "from": now - 10, "until": now + 10},
}

train_input := json.patch(read_input, [
	{"op": "replace", "path": "/request/action", "value": "train"},
	{"op": "replace", "path": "/dataset/integrity_class", "value": "confidential"},
	{"op": "replace", "path": "/environment/cluster", "value": sandbox},
])

restricted_input := json.patch(train_input, [{
	"op": "replace", "path": "/dataset/integrity_class", "value": "restricted",
}])

set_at(facts, path, value) := json.patch(facts, [{"op": "replace", "path": path, "value": value}])

verdict(facts) := result if result := decision.result with input as facts

# Exactly these codes, and no permit.
denied(facts, codes) if {
	result := verdict(facts)
	result.permit == false
	result.codes == codes
	result.obligations == []
}

permitted(facts) if {
	result := verdict(facts)
	result.permit == true
	result.passed == result.required
	result.codes == []
}
