package factory.decision_test

test_no_cluster if {
	every facts in [train_input, restricted_input] {
		denied(set_at(facts, "/environment/cluster", {"kind": "none"}), ["integrity-class-not-met"])
	}
	denied(set_at(read_input, "/environment/cluster", sandbox), ["integrity-class-not-met"])
}

test_own_hardware if {
	denied(set_at(restricted_input, "/environment/cluster/own", false), ["integrity-class-not-met"])
	permitted(set_at(train_input, "/environment/cluster/own", false))
}

test_isolation if {
	least := {"open": 0, "internal": 1, "confidential": 2, "restricted": 2}
	every class, rank in least {
		facts := set_at(train_input, "/dataset/integrity_class", class)
		every i, isolation in ["none", "user", "sandbox", "node"] {
			isolation_holds(set_at(facts, "/environment/cluster/isolation", isolation), i >= rank)
		}
	}
}

isolation_holds(facts, true) if permitted(facts)

isolation_holds(facts, false) if denied(facts, ["isolation-too-weak"])

test_audit if {
	denied(set_at(train_input, "/environment/cluster/audit", {"kind": "none"}), ["audit-absent"])
	denied(set_at(train_input, "/environment/cluster/audit/from", now + 1), ["audit-absent"])
	denied(set_at(train_input, "/environment/cluster/audit/until", now), ["audit-lapsed"])
	permitted(set_at(train_input, "/environment/cluster/audit/until", now + 1))
	every class in ["open", "internal", "restricted"] {
		facts := set_at(train_input, "/dataset/integrity_class", class)
		permitted(set_at(facts, "/environment/cluster/audit", {"kind": "none"}))
	}
}

# Country of use by class, when the terms say nothing: any, EEA, EEA, Sweden; of the partner for read, of the cluster for train.
test_country_by_class if {
	permits := {
		"open": {"SE", "NO", "CH", "US"},
		"internal": {"SE", "NO"},
		"confidential": {"SE", "NO"},
		"restricted": {"SE"},
	}
	every class, countries in permits {
		every country in ["SE", "NO", "CH", "US"] {
			reading := set_at(read_input, "/dataset/integrity_class", class)
			country_holds(set_at(reading, "/partner/country", country), country, countries)
			country_holds(set_at(set_at(reading, "/request/action", "deploy"), "/environment/cluster", object.union(sandbox, {"country": country})), country, countries)
		}
	}
}

country_holds(facts, country, countries) if {
	country in countries
	permitted(facts)
}

country_holds(facts, country, countries) if {
	not country in countries
	denied(facts, ["country-not-permitted"])
}

# The terms go before the table, wider or narrower.
test_country_by_terms if {
	wider := json.patch(restricted_input, [
		{"op": "replace", "path": "/terms/countries_stated", "value": true},
		{"op": "replace", "path": "/terms/countries", "value": {"any": false, "list": ["NO"]}},
	])
	denied(wider, ["country-not-permitted"])
	permitted(set_at(wider, "/environment/cluster/country", "NO"))
	anywhere := set_at(wider, "/terms/countries", {"any": true, "list": []})
	permitted(set_at(anywhere, "/environment/cluster/country", "US"))
}
