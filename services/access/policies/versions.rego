# What is asked for: the action under the terms, the dataset, the version and its gate, and when.
package factory.decision

passed contains "action" if {
	input.request.action in input.terms.actions
	derived_use_permits
}

derived_use_permits if input.request.action != "share-derivative"

derived_use_permits if input.terms.derived_use in {"allowed", "same-terms"}

passed contains "period" if {
	open_at(input.terms.period)
	now < input.project.ethics_until
}

passed contains "dataset" if input.dataset.state in {"draft", "published"}

# A raw version may be prepared and nothing else; preparing is how it comes to pass its gate.
passed contains "version" if {
	input.request.action == "prepare"
	input.version.state in {"committed", "released"}
}

passed contains "version" if {
	input.request.action != "prepare"
	input.dataset.state != "draft"
	input.version.state == "released"
	gate_lets_through
}

gate_lets_through if input.version.gate == "passed"

gate_lets_through if {
	input.version.gate == "not-required"
	input.version.personal_data == "no"
	input.terms.gate == "none"
}
