package factory.decision_test

test_membership if {
	every change in [
		["/subject/active", false],
		["/partner/active", false],
		["/project/open", false],
		["/project/starts", now + 1],
		["/project/ends", now],
		["/project/partner_ids", [id(5)]],
		["/membership/active", false],
		["/membership/role", "none"],
	] {
		denied(set_at(read_input, change[0], change[1]), ["membership-ended"])
	}
}

test_recipient if {
	denied(set_at(read_input, "/terms/recipients", {"any": false, "partners": [id(5)], "sectors": ["public"]}), ["recipient-not-permitted"])
	permitted(set_at(read_input, "/terms/recipients", {"any": false, "partners": [id(2)], "sectors": []}))
	permitted(set_at(read_input, "/terms/recipients", {"any": false, "partners": [], "sectors": ["academia"]}))
}

test_course if {
	denied(set_at(read_input, "/completions", []), ["course-not-valid"])
	denied(set_at(read_input, "/completions/0/until", now), ["course-not-valid"])
	permitted(set_at(read_input, "/completions/0/until", now + 1))
	denied(set_at(read_input, "/completions/0/from", now + 1), ["course-not-valid"])
	denied(set_at(read_input, "/terms/courses", ["using-donated-data", "imaging"]), ["course-not-valid"])
	permitted(json.patch(read_input, [
		{"op": "replace", "path": "/terms/courses", "value": []},
		{"op": "replace", "path": "/completions", "value": []},
	]))
}
