package factory.decision_test

test_action if {
	denied(set_at(read_input, "/terms/actions", ["prepare"]), ["action-not-permitted"])
	sharing := set_at(read_input, "/request/action", "share-derivative")
	permitted(sharing)
	permitted(set_at(sharing, "/terms/derived_use", "same-terms"))
	denied(set_at(sharing, "/terms/derived_use", "forbidden"), ["action-not-permitted"])
}

test_period if {
	denied(set_at(read_input, "/terms/period/from", now + 1), ["period-not-open"])
	denied(set_at(read_input, "/terms/period/until", now), ["period-not-open"])
	denied(set_at(read_input, "/project/ethics_until", now), ["period-not-open"])
	permitted(set_at(read_input, "/project/ethics_until", now + 1))
}

test_dataset if {
	denied(set_at(read_input, "/dataset/state", "withdrawn"), ["dataset-withdrawn"])
	denied(set_at(read_input, "/dataset/state", "draft"), ["version-not-released"])
}

test_version if {
	every state in ["committed", "withdrawn", "redacted"] {
		denied(set_at(read_input, "/version/state", state), ["version-not-released"])
	}
	denied(set_at(read_input, "/version/gate", "required"), ["version-not-released"])
	denied(set_at(read_input, "/version/personal_data", "yes"), ["version-not-released"])
	denied(set_at(read_input, "/version/personal_data", "unknown"), ["version-not-released"])
	denied(set_at(read_input, "/terms/gate", "required"), ["version-not-released"])
	every personal_data in ["yes", "unknown"] {
		permitted(json.patch(read_input, [
			{"op": "replace", "path": "/version/personal_data", "value": personal_data},
			{"op": "replace", "path": "/version/gate", "value": "passed"},
			{"op": "replace", "path": "/terms/gate", "value": "required"},
		]))
	}
}

# A raw version may be prepared and nothing else.
test_prepare if {
	raw := json.patch(read_input, [
		{"op": "replace", "path": "/request/action", "value": "prepare"},
		{"op": "replace", "path": "/version/state", "value": "committed"},
		{"op": "replace", "path": "/version/gate", "value": "required"},
		{"op": "replace", "path": "/version/personal_data", "value": "yes"},
		{"op": "replace", "path": "/dataset/state", "value": "draft"},
	])
	permitted(raw)
	every action in ["read", "share-derivative"] {
		denied(set_at(raw, "/request/action", action), ["version-not-released"])
	}
	every state in ["withdrawn", "redacted"] {
		denied(set_at(raw, "/version/state", state), ["version-not-released"])
	}
}
