# What for. A purpose is a path in a small tree; who permits a purpose permits its children (DESIGN §3).
package factory.decision

known_purposes := {
	"benchmarking",
	"education",
	"innovation",
	"innovation/pre-commercial",
	"innovation/product-development",
	"public-interest",
	"public-interest/public-service",
	"public-interest/statistics",
	"research",
	"research/applied",
	"research/basic",
	"research/health",
	"research/method-development",
}

# The purposes that are commercial. An ancestor of one would include it, so asking for the ancestor is commercial too.
commercial_purposes := {"innovation/product-development"}

purpose_covers(permitted, asked) if asked == permitted

purpose_covers(permitted, asked) if startswith(asked, concat("", [permitted, "/"]))

commercial(asked) if {
	some purpose in commercial_purposes
	purpose_covers(asked, purpose)
}

passed contains "purpose" if {
	terms_permit_purpose
	terms_permit_commerce
	purpose_covers(input.project.purpose, input.request.purpose)
	grant_permits_purpose
}

terms_permit_purpose if input.terms.purposes.any == true

terms_permit_purpose if {
	some purpose in input.terms.purposes.list
	purpose_covers(purpose, input.request.purpose)
}

terms_permit_commerce if input.terms.commercial == true

terms_permit_commerce if {
	input.terms.commercial == false
	not commercial(input.request.purpose)
}

# Without a usable grant there is no grant to hold the purpose against: `grant` says no by itself.
grant_permits_purpose if count(usable_grants) == 0

grant_permits_purpose if count(fitting_grants) > 0
