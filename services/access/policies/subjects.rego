# Who asks: the subject, the partner it belongs to, and the project it works in.
package factory.decision

now := input.environment.now

# from <= now < until: the second named by `until` is the first that is outside.
open_at(period) if {
	period.from <= now
	now < period.until
}

passed contains "membership" if {
	input.subject.active == true
	input.partner.active == true
	input.project.open == true
	open_at({"from": input.project.starts, "until": input.project.ends})
	input.partner.id in input.project.partner_ids
	input.membership.active == true
	input.membership.role in {"lead", "member"}
}

passed contains "recipient" if input.terms.recipients.any == true

passed contains "recipient" if input.partner.id in input.terms.recipients.partners

passed contains "recipient" if input.partner.sector in input.terms.recipients.sectors

passed contains "course" if {
	every course in input.terms.courses {
		some completion in input.completions
		completion.course == course
		open_at(completion)
	}
}
