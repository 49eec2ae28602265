package factory.decision_test

import data.factory.decision

# Fields outside the shape that would change nothing else; the walk over every path is in tests/access/policy.
test_shape_is_closed if {
	every path in ["/extra", "/subject/name", "/terms/extra", "/grants/0/extra", "/environment/cluster/extra"] {
		result := verdict(json.patch(train_input, [{"op": "add", "path": path, "value": true}]))
		result.permit == false
		result.codes == []
		not "shape" in result.passed
	}
}

test_ambiguous_constraints if {
	every change in [
		["/terms/purposes", {"any": true, "list": ["research"]}],
		["/terms/recipients", {"any": true, "partners": [id(2)], "sectors": []}],
		["/terms/countries", {"any": true, "list": ["SE"]}],
		["/terms/countries", {"any": false, "list": ["SE"]}],
		["/terms/recipients", {"any": false, "partners": [], "sectors": []}],
	] {
		not "shape" in verdict(set_at(read_input, change[0], change[1])).passed
	}
}

test_ids_and_instants if {
	every bad in ["", "x", upper("0000000a-0000-7000-8000-000000000001"), concat("", [id(1), "\n"]), 1, null, [], {}] {
		not decision.uuid(bad)
	}
	decision.uuid(id(1))
	every bad in [-1, 1.5, 253402300800, "1", true, null] { not decision.instant(bad) }
	decision.instant(0)
}
