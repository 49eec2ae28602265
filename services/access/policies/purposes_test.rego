package factory.decision_test

import data.factory.decision

test_purpose_tree if {
	decision.purpose_covers("research", "research/health")
	not decision.purpose_covers("research/health", "research")
	not decision.purpose_covers("research", "researcher")
}

test_purpose if {
	denied(set_at(read_input, "/terms/purposes/list", ["education"]), ["purpose-not-permitted"])
	denied(set_at(read_input, "/project/purpose", "education"), ["purpose-not-permitted"])
	denied(set_at(read_input, "/grants/0/purpose", "research/basic"), ["purpose-not-permitted"])
	denied(set_at(read_input, "/request/purpose", "education"), ["purpose-not-permitted"])
	permitted(set_at(read_input, "/terms/purposes", {"any": true, "list": []}))
}

# Asking for "innovation" would include product development, so it is commercial too; its other child is not.
test_commerce if {
	every asked in ["innovation", "innovation/product-development"] {
		denied(innovating(asked, false), ["purpose-not-permitted"])
		permitted(innovating(asked, true))
	}
	permitted(innovating("innovation/pre-commercial", false))
}

innovating(asked, commercial) := json.patch(read_input, [
	{"op": "replace", "path": "/request/purpose", "value": asked},
	{"op": "replace", "path": "/project/purpose", "value": "innovation"},
	{"op": "replace", "path": "/grants/0/purpose", "value": "innovation"},
	{"op": "replace", "path": "/terms/purposes/list", "value": ["innovation"]},
	{"op": "replace", "path": "/terms/commercial", "value": commercial},
])
