# What was given: grants of this project on this dataset, and the agreement signed for each.
package factory.decision

# Grants are told apart by their place in the input: only the index is kept in sets.
covering_grants contains i if {
	some i, grant in input.grants
	input.request.action in grant.actions
}

usable_grants contains i if {
	some i in covering_grants
	input.grants[i].revoked == false
	open_at(input.grants[i])
}

# Usable, and given for the purpose asked for. Purpose and agreement must hold on one and the same grant: a signature
# under another purpose is no signature.
fitting_grants contains i if {
	some i in usable_grants
	purpose_covers(input.grants[i].purpose, input.request.purpose)
}

grants_in_use := fitting_grants if count(fitting_grants) > 0

grants_in_use := usable_grants if {
	count(fitting_grants) == 0
	count(usable_grants) > 0
}

# Where no grant is usable, `grant` says no by itself, and this rule looks at what was once signed.
grants_in_use := covering_grants if count(usable_grants) == 0

passed contains "grant" if count(usable_grants) > 0

passed contains "agreement" if {
	some i in grants_in_use
	input.grants[i].agreement.signed == true
}

# Exactly one of three codes, told by the covering grant that began last.
begun_grants contains i if {
	some i in covering_grants
	input.grants[i].from <= now
}

newest_begin := max([input.grants[i].from | some i in begun_grants])

newest_was_revoked if {
	some i in begun_grants
	input.grants[i].from == newest_begin
	input.grants[i].revoked == true
}

grant_code := "grant-absent" if count(begun_grants) == 0

grant_code := "grant-revoked" if {
	count(begun_grants) > 0
	newest_was_revoked
}

grant_code := "grant-expired" if {
	count(begun_grants) > 0
	not newest_was_revoked
}
