# The shape of the input, field by field: closed objects, no nulls, exact types. The JSON Schema
# (decisions/input.schema.json) says the same before the engine is asked; this holds where it was not.
package factory.decision

known_actions := {"read", "prepare", "annotate", "train", "deploy", "share-derivative"}

known_sectors := {"public", "academia", "industry", "nonprofit"}

# 9999-12-31T23:59:59Z, which stands for "no end".
last_instant := 253402300799

# A closed object: exactly these members.
closed(x, names) if {
	is_object(x)
	object.keys(x) == names
}

uuid(x) if {
	is_string(x)
	regex.match(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`, x)
}

slug(x) if {
	is_string(x)
	regex.match(`^[a-z0-9][a-z0-9-]{0,99}$`, x)
}

country_code(x) if {
	is_string(x)
	regex.match(`^[A-Z]{2}$`, x)
}

# Seconds since 1970-01-01T00:00:00Z.
instant(x) if {
	is_number(x)
	x == floor(x)
	x >= 0
	x <= last_instant
}

passed contains "shape" if {
	closed(input, {
		"schema", "request", "subject", "partner", "project", "membership", "dataset", "version", "terms", "completions",
		"grants", "environment",
	})
	input.schema == 1
	request_shaped
	people_shaped
	project_shaped
	data_shaped
	terms_shaped
	constraints_shaped
	completions_shaped
	grants_shaped
	environment_shaped
}

request_shaped if {
	closed(input.request, {"action", "purpose", "paths_digest"})
	input.request.action in known_actions
	input.request.purpose in known_purposes
	is_string(input.request.paths_digest)
	regex.match(`^([0-9a-f]{64})?$`, input.request.paths_digest)
}

people_shaped if {
	closed(input.subject, {"id", "active"})
	uuid(input.subject.id)
	is_boolean(input.subject.active)
	closed(input.partner, {"id", "sector", "country", "active"})
	uuid(input.partner.id)
	input.partner.sector in (known_sectors | {"none"})
	country_code(input.partner.country)
	is_boolean(input.partner.active)
	closed(input.membership, {"active", "role"})
	is_boolean(input.membership.active)
	input.membership.role in {"lead", "member", "none"}
}

project_shaped if {
	closed(input.project, {"id", "purpose", "open", "starts", "ends", "partner_ids", "ethics_until"})
	uuid(input.project.id)
	input.project.purpose in known_purposes
	is_boolean(input.project.open)
	instant(input.project.starts)
	instant(input.project.ends)
	instant(input.project.ethics_until)
	is_array(input.project.partner_ids)
	every partner_id in input.project.partner_ids { uuid(partner_id) }
}

data_shaped if {
	closed(input.dataset, {"id", "state", "integrity_class", "partner_id"})
	uuid(input.dataset.id)
	uuid(input.dataset.partner_id)
	input.dataset.state in {"draft", "published", "withdrawn"}
	input.dataset.integrity_class in {"open", "internal", "confidential", "restricted"}
	closed(input.version, {"id", "state", "gate", "personal_data"})
	uuid(input.version.id)
	input.version.state in {"committed", "released", "withdrawn", "redacted"}
	input.version.gate in {"not-required", "required", "passed"}
	input.version.personal_data in {"yes", "no", "unknown"}
}

terms_shaped if {
	closed(input.terms, {
		"schema", "actions", "purposes", "recipients", "countries", "countries_stated", "period", "commercial", "courses",
		"gate", "derived_use", "attribution", "deletion_days",
	})
	input.terms.schema == 1
	is_array(input.terms.actions)
	every action in input.terms.actions { action in known_actions }
	is_boolean(input.terms.commercial)
	is_array(input.terms.courses)
	every course in input.terms.courses { slug(course) }
	input.terms.gate in {"none", "required"}
	input.terms.derived_use in {"allowed", "same-terms", "forbidden"}
	is_string(input.terms.attribution)
	is_number(input.terms.deletion_days)
	input.terms.deletion_days == floor(input.terms.deletion_days)
	input.terms.deletion_days >= -1
	input.terms.deletion_days <= 36500
}

# A constraint either says "any" and lists nothing, or lists what it permits; anything between could be read two ways.
unambiguous(any_of_them, listed) if {
	any_of_them == true
	listed == 0
}

unambiguous(any_of_them, listed) if {
	any_of_them == false
	listed > 0
}

constraints_shaped if {
	closed(input.terms.purposes, {"any", "list"})
	is_array(input.terms.purposes.list)
	every purpose in input.terms.purposes.list { purpose in known_purposes }
	unambiguous(input.terms.purposes.any, count(input.terms.purposes.list))
	closed(input.terms.recipients, {"any", "partners", "sectors"})
	is_array(input.terms.recipients.partners)
	every partner_id in input.terms.recipients.partners { uuid(partner_id) }
	is_array(input.terms.recipients.sectors)
	every sector in input.terms.recipients.sectors { sector in known_sectors }
	unambiguous(
		input.terms.recipients.any,
		count(input.terms.recipients.partners) + count(input.terms.recipients.sectors),
	)
	closed(input.terms.countries, {"any", "list"})
	is_array(input.terms.countries.list)
	every code in input.terms.countries.list { country_code(code) }
	unambiguous(input.terms.countries.any, count(input.terms.countries.list))
	countries_stated_shaped
	period_shaped(input.terms.period)
}

countries_stated_shaped if input.terms.countries_stated == true

countries_stated_shaped if {
	input.terms.countries_stated == false
	input.terms.countries.any == true
}

period_shaped(period) if {
	closed(period, {"from", "until"})
	instant(period.from)
	instant(period.until)
}

completions_shaped if {
	is_array(input.completions)
	every completion in input.completions {
		closed(completion, {"course", "from", "until"})
		slug(completion.course)
		instant(completion.from)
		instant(completion.until)
	}
}

grants_shaped if {
	is_array(input.grants)
	every grant in input.grants {
		closed(grant, {"id", "actions", "purpose", "from", "until", "revoked", "agreement"})
		uuid(grant.id)
		is_array(grant.actions)
		every action in grant.actions { action in known_actions }
		grant.purpose in known_purposes
		instant(grant.from)
		instant(grant.until)
		is_boolean(grant.revoked)
		closed(grant.agreement, {"id", "signed"})
		uuid(grant.agreement.id)
		is_boolean(grant.agreement.signed)
	}
}

environment_shaped if {
	closed(input.environment, {"now", "cluster"})
	instant(input.environment.now)
	cluster_shaped
}

cluster_shaped if {
	closed(input.environment.cluster, {"kind"})
	input.environment.cluster.kind == "none"
}

cluster_shaped if {
	closed(input.environment.cluster, {"kind", "id", "isolation", "own", "country", "audit"})
	input.environment.cluster.kind in {"local", "remote"}
	uuid(input.environment.cluster.id)
	input.environment.cluster.isolation in {"none", "user", "sandbox", "node"}
	is_boolean(input.environment.cluster.own)
	country_code(input.environment.cluster.country)
	audit_shaped
}

audit_shaped if {
	closed(input.environment.cluster.audit, {"kind"})
	input.environment.cluster.audit.kind == "none"
}

audit_shaped if {
	closed(input.environment.cluster.audit, {"kind", "from", "until"})
	input.environment.cluster.audit.kind == "audit"
	instant(input.environment.cluster.audit.from)
	instant(input.environment.cluster.audit.until)
}
