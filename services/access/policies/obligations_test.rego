package factory.decision_test

test_obligations if {
	verdict(read_input).obligations == []
	verdict(set_at(read_input, "/terms/attribution", "Data by the donor")).obligations == [{"kind": "attribution", "text": "Data by the donor"}]
	verdict(set_at(read_input, "/terms/deletion_days", 0)).obligations == [{"kind": "delete-after", "days": 0}]
	verdict(set_at(read_input, "/terms/derived_use", "same-terms")).obligations == [{"kind": "same-terms"}]
	verdict(restricted_input).obligations == [{"kind": "results-through-steward"}]
	verdict(train_input).obligations == []
}
