package factory.decision_test

import data.factory.decision

test_permits_what_should_be_permitted if {
	every facts in [read_input, train_input, restricted_input] { permitted(facts) }
}

test_nothing_is_never_permitted if {
	every facts in [{}, null, [], "", 1, true] { verdict(facts).permit == false }
	not decision.permit
}

# Every rule has a code, or is told apart by codes of its own; none can fail silently.
test_each_rule_has_a_code if {
{rule | some rule, _ in decision.code_of} | {"audit", "grant", "shape"} == decision.required}

test_newcomer_with_wrong_purpose if {
	facts := json.patch(read_input, [
		{"op": "replace", "path": "/request/purpose", "value": "innovation/product-development"},
		{"op": "replace", "path": "/project/purpose", "value": "innovation/product-development"},
		{"op": "replace", "path": "/completions", "value": []},
		{"op": "replace", "path": "/grants", "value": []},
	])
	denied(facts, ["agreement-unsigned", "course-not-valid", "grant-absent", "purpose-not-permitted"])
}
