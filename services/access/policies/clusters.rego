# Where: the table of integrity classes (DESIGN §3), held against the partner's country and the cluster.
package factory.decision

# The European Economic Area: the 27 members of the Union, Iceland, Liechtenstein and Norway (ISO 3166-1 alpha-2).
eea := {
	"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI",
	"FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU",
	"LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
}

isolation_rank := {"none": 0, "user": 1, "sandbox": 2, "node": 3}

isolation_at_least := {"open": "none", "internal": "user", "confidential": "sandbox", "restricted": "sandbox"}

cluster := input.environment.cluster

integrity_class := input.dataset.integrity_class

# Actions that run on a cluster. All others name none.
computes if input.request.action in {"train", "deploy"}

reads if {
	input.request.action in known_actions
	not computes
}

registered if cluster.kind in {"local", "remote"}

# Without a cluster there is nothing to judge in these rules. They do not pass; only their codes are left out, since
# `class` says what is missing.
unjudged := {"audit": true, "country": true, "isolation": true} if {
	computes
	not registered
}

unjudged := {} if reads

unjudged := {} if {
	computes
	registered
}

passed contains "class" if {
	reads
	cluster.kind == "none"
}

passed contains "class" if {
	computes
	registered
	integrity_class in {"open", "internal", "confidential"}
}

passed contains "class" if {
	computes
	registered
	integrity_class == "restricted"
	cluster.own == true
}

passed contains "isolation" if reads

passed contains "isolation" if {
	computes
	registered
	isolation_rank[cluster.isolation] >= isolation_rank[isolation_at_least[integrity_class]]
}

passed contains "audit" if reads

passed contains "audit" if {
	computes
	registered
	integrity_class in {"open", "internal", "restricted"}
}

passed contains "audit" if {
	computes
	registered
	integrity_class == "confidential"
	cluster.audit.kind == "audit"
	open_at(cluster.audit)
}

audit_ended if {
	cluster.audit.kind == "audit"
	cluster.audit.until <= now
}

audit_code := "audit-lapsed" if audit_ended

audit_code := "audit-absent" if not audit_ended

# Country of use: the partner's when people use the data, the cluster's when a job does.
country := input.partner.country if reads

country := cluster.country if {
	computes
	registered
}

passed contains "country" if {
	input.terms.countries_stated == true
	input.terms.countries.any == true
	country
}

passed contains "country" if {
	input.terms.countries_stated == true
	country in input.terms.countries.list
}

passed contains "country" if {
	input.terms.countries_stated == false
	class_permits_country
}

class_permits_country if {
	integrity_class == "open"
	country
}

class_permits_country if {
	integrity_class in {"internal", "confidential"}
	country in eea
}

class_permits_country if {
	integrity_class == "restricted"
	country == "SE"
}
