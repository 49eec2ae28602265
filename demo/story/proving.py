"""Part 6: every decision of this run is replayed from its recorded input, and comes out the same."""

from .asking import Access
from .stage import Stage, expect


def prove(stage: Stage, accesses: list[Access]) -> None:
    """Replay the decisions of the run's projects."""
    with stage.step("Every decision is replayed from its record", "researcher, lead") as step:
        replayed = 0
        different: list[str] = []
        for access in accesses:
            decisions = access.person.client.decisions
            own = [d for d in decisions.all() if d["project_id"] == access.project_id]
            for decision in own:
                result = decisions.replay(str(decision["id"]))
                replayed += 1
                if not result["same"]:
                    different.append(str(decision["id"]))
        stage.figures.update(replayed_decisions=replayed, replay_differences=len(different))
        step.figures.update(replayed=replayed, differences=len(different))
        expect(replayed >= 7, f"at least the 7 decisions of this run, but only {replayed} were listed")
        expect(not different, f"the same answer at every replay, but these differ: {different}")
        step.says(f"{replayed} decisions, 0 differences")
