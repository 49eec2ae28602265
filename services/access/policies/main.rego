# The law of the Data Factory: may this subject do this action with this version, for this purpose, now?
#
# It fails closed. Each rule says `passed contains "<rule>"` and nothing else can permit: the set passed must equal the set
# required. A rule that is undefined (a missing field, a wrong type, a typing mistake here) is therefore a no.
# Codes are derived from what did not pass, so that nothing can be refused silently. Texts live outside Rego.
package factory.decision

required := {
	"action",
	"agreement",
	"audit",
	"class",
	"country",
	"course",
	"dataset",
	"grant",
	"isolation",
	"membership",
	"period",
	"purpose",
	"recipient",
	"shape",
	"version",
}

default permit := false

permit if passed == required

# The decision. `passed`, `required` and `codes` are sorted, so that equal decisions are equal bytes.
result := {
	"permit": permit,
	"passed": sort(passed),
	"required": sort(required),
	"codes": sort(codes),
	"obligations": obligations,
}

# Rules with one code each. A malformed input has no code: it is an error of the asker, not a state of the world.
code_of := {
	"action": "action-not-permitted",
	"agreement": "agreement-unsigned",
	"class": "integrity-class-not-met",
	"country": "country-not-permitted",
	"course": "course-not-valid",
	"dataset": "dataset-withdrawn",
	"isolation": "isolation-too-weak",
	"membership": "membership-ended",
	"period": "period-not-open",
	"purpose": "purpose-not-permitted",
	"recipient": "recipient-not-permitted",
	"version": "version-not-released",
}

codes contains code if {
	"shape" in passed
	some rule, code in code_of
	not rule in passed
	not unjudged[rule]
}

codes contains grant_code if {
	"shape" in passed
	not "grant" in passed
}

# A signature ends with its grant: the next grant has an agreement of its own to sign.
codes contains code_of.agreement if {
	"shape" in passed
	not "grant" in passed
}

codes contains audit_code if {
	"shape" in passed
	not "audit" in passed
	not unjudged.audit
}
