# What a permit binds to. A refusal binds to nothing.
package factory.decision

obligations := [duty | permit; some duty in duties]

duties := array.concat(
	array.concat(
		[{"kind": "attribution", "text": text} | text := input.terms.attribution; text != ""],
		[{"kind": "delete-after", "days": days} | days := input.terms.deletion_days; days >= 0],
	),
	array.concat(
		[{"kind": "same-terms"} | input.terms.derived_use == "same-terms"],
		[{"kind": "results-through-steward"} | integrity_class == "restricted"; input.request.action == "train"],
	),
)
