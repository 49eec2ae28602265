"""The command line: for people in two languages, for programs as JSON, with exit codes that mean something."""

import io
import json
import re
import stat
from pathlib import Path

import pytest
import typer
import typer.main
from datafactory.bundles import scan
from datafactory.cli import failures
from datafactory.cli.app import hoist, make_app, run
from datafactory.errors import cure_of

from tests.clients.fake_factory import FakeFactory

Captured = pytest.CaptureFixture[str]
DONATION = ["--terms", "t-1", "--title", "Digits", "--description", "d", "--controller", "c", "--origin", "o"]


@pytest.fixture(autouse=True)
def here(fake: FakeFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake is the factory, and the terminal is wide."""
    monkeypatch.setenv("FACTORY_URL", fake.base_url)
    monkeypatch.setenv("COLUMNS", "200")


def test_login_as_a_persona_is_kept_for_this_user_alone(home: Path) -> None:
    assert run(["login", "--as", "donor"]) == 0
    files = [path for path in (home / "xdg_config_home").rglob("*.json")]
    assert files
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)


def test_whoami_is_who_signed_in_last(capsys: Captured) -> None:
    run(["login", "--as", "donor"])
    run(["login", "--as", "steward"])
    capsys.readouterr()
    run(["whoami", "--json"])
    assert json.loads(capsys.readouterr().out)["display_name"] == "steward"
    run(["whoami", "--json", "--as", "donor"])
    assert json.loads(capsys.readouterr().out)["display_name"] == "donor"


def test_a_kept_session_is_used_again(fake: FakeFactory) -> None:
    run(["login", "--as", "donor"])
    run(["whoami", "--as", "donor"])
    run(["whoami", "--as", "donor"])
    assert len(fake.requests("GET", "/auth/login")) == 1


def test_a_persona_whose_session_ended_signs_in_again(fake: FakeFactory, capsys: Captured) -> None:
    run(["login", "--as", "donor"])
    fake.sessions.clear()  # the factory was restarted
    assert run(["token", "--as", "donor"]) == 0
    assert run(["token"]) == 0
    assert len(fake.requests("GET", "/auth/login")) == 2


def test_acting_as_someone_once_does_not_change_who_one_is(capsys: Captured) -> None:
    run(["login", "--as", "donor"])
    run(["whoami", "--as", "steward"])
    capsys.readouterr()
    run(["whoami", "--json"])
    assert json.loads(capsys.readouterr().out)["display_name"] == "donor"


def test_token_prints_a_token_and_nothing_else(fake: FakeFactory, capsys: Captured) -> None:
    assert run(["token", "--as", "researcher"]) == 0
    out = capsys.readouterr().out
    assert fake.tokens[out.strip()] == "researcher"
    assert out.count("\n") == 1


def test_logout_forgets(capsys: Captured) -> None:
    run(["login", "--as", "donor"])
    assert run(["logout"]) == 0
    assert run(["whoami"]) == failures.SIGN_IN
    assert "factory login" in capsys.readouterr().err


def test_a_machine_signs_in_by_its_environment(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("FACTORY_API_KEY", "good-key")
    assert run(["whoami", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["display_name"] == "machine"


def test_the_factory_of_the_checkout_one_stands_in_is_found(
    fake: FakeFactory, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.delenv("FACTORY_URL")
    assert run(["token", "--as", "donor"]) == failures.SIGN_IN
    Path(".factory").mkdir()
    Path(".factory/address").write_text(fake.base_url + "\n")
    Path("deeper").mkdir()
    monkeypatch.chdir("deeper")
    assert run(["token", "--as", "donor"]) == 0


def test_donate_sends_a_folder_and_submits(fake: FakeFactory, tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.txt").write_text(str(number))
    assert (
        run(["donate", str(folder), *DONATION, "--legal-basis", "research=6(1)(e)+9(2)(j)", "--as", "donor", "--json"])
        == 0
    )
    donation = json.loads(capsys.readouterr().out)
    assert donation["state"] == "submitted"
    assert donation["partner_id"] == "partner-1"
    assert donation["legal_bases"] == [{"purpose": "research", "article6": "6(1)(e)", "article9": "9(2)(j)"}]
    assert len(fake.uploads) == 1  # five small files travelled in one bundle
    assert len(scan(folder)) == 5


def test_donate_goes_on_with_the_donation_that_was_interrupted(
    fake: FakeFactory, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    command = ["donate", str(folder), *DONATION, "--as", "donor", "--json"]
    with monkeypatch.context() as trouble:
        trouble.setattr("datafactory.uploads.Uploads.send_files", _broken)
        assert run(command) == failures.FAILED
    assert run(command) == 0
    assert list(fake.donations) == ["donation-1"]
    assert run(command) == 0  # that one is done: the same command donates anew
    assert list(fake.donations) == ["donation-1", "donation-2"]


def _broken(*args: object, **more: object) -> None:
    raise OSError("the disk is gone")


def test_search_shows_a_table_or_json(capsys: Captured) -> None:
    assert run(["search", "digits", "--as", "researcher"]) == 0
    assert "Digits" in capsys.readouterr().out
    assert run(["search", "digits", "--as", "researcher", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "d-1"
    assert run(["search", "nothing", "like", "it", "--as", "researcher"]) == 0
    assert "Nothing found" in capsys.readouterr().out


def test_explain_gives_reasons_and_the_commands_that_mend_them(fake: FakeFactory, capsys: Captured) -> None:
    fake.denied = ["grant-absent"]
    asked = ["explain", "v-1", "--project", "p-1", "--purpose", "research/applied", "--as", "researcher"]
    assert run(asked) == failures.DENIED
    out = capsys.readouterr().out
    assert "grant-absent" in out
    assert "message of grant-absent" in out
    assert "factory request create d-1 --project p-1 --action read --purpose research/applied" in out


def test_explain_never_prints_the_permit(capsys: Captured) -> None:
    asked = ["explain", "v-1", "--project", "p-1", "--purpose", "research", "--as", "researcher", "--json"]
    assert run(asked) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["permit"] is True
    assert "permit_token" not in answer


def test_download_brings_files_under_their_paths(fake: FakeFactory, capsys: Captured) -> None:
    fake.files = {"a/one.txt": b"one", "two.txt": b"two"}
    asked = ["download", "v-1", "--project", "p-1", "--purpose", "research", "-o", "out", "--as", "researcher"]
    assert run(asked) == 0
    assert Path("out/a/one.txt").read_bytes() == b"one"
    assert Path("out/two.txt").read_bytes() == b"two"
    assert run([*asked[:2], "no-such.txt", *asked[2:]]) == failures.USAGE


def test_a_denied_download_says_why(fake: FakeFactory, capsys: Captured) -> None:
    fake.denied = ["course-not-valid"]
    asked = ["download", "v-1", "--project", "p-1", "--purpose", "research", "--as", "researcher"]
    assert run(asked) == failures.DENIED
    assert "message of course-not-valid" in capsys.readouterr().err
    assert run([*asked, "--json"]) == failures.DENIED
    assert json.loads(capsys.readouterr().err)["codes"] == ["course-not-valid"]


def test_what_is_not_there_has_an_exit_code_of_its_own(capsys: Captured) -> None:
    assert run(["lineage", "no-such", "--as", "researcher"]) == failures.NOT_FOUND
    assert run(["whoami", "--as", "x", "--url", "http://127.0.0.1:1"]) == failures.UNREACHABLE
    assert run(["no-such-command"]) == failures.USAGE


def answers(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """Type this."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))


def test_a_course_is_taken_question_by_question(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    answers(monkeypatch, "a\nb\n")
    assert run(["course", "take", "using-donated-data", "--as", "researcher"]) == failures.FAILED
    seen = capsys.readouterr()
    assert "Question 2?" in seen.err
    assert "Not passed: 50 %" in seen.out
    assert "Because of q2." in seen.out
    answers(monkeypatch, "a\na\n")
    assert run(["course", "take", "using-donated-data", "--as", "researcher", "--lang", "sv"]) == 0
    assert "Godkänt: 100 % (gräns 80 %). Gäller till 2027-11-25" in capsys.readouterr().out


def test_a_course_is_taken_from_a_file(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "answers.json").write_text('{"q1": "right", "q2": "right", "q3": "right"}')
    command = ["course", "take", "using-donated-data", "--answers", str(tmp_path / "answers.json")]
    assert run([*command, "--as", "researcher", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_an_agreement_is_read_before_it_is_signed(
    fake: FakeFactory, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    answers(monkeypatch, "n\n")
    assert run(["sign", "a-1", "--as", "researcher"]) == failures.FAILED
    assert "For research only." in capsys.readouterr().err
    assert not fake.requests("POST", "/api/v1/agreements/a-1/signature")
    answers(monkeypatch, "y\n")
    assert run(["sign", "a-1", "--as", "researcher"]) == 0
    assert fake.requests("POST", "/api/v1/agreements/a-1/signature")


def test_a_request_ends_when_its_last_day_is_over_in_sweden(capsys: Captured) -> None:
    command = ["request", "create", "d-1", "--project", "p-1", "--purpose", "research", "--text", "t", "--as", "lead"]
    assert run([*command, "--until", "2027-06-30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["until"] == "2027-06-30T22:00:00Z"
    assert run([*command, "--until", "2027-01-31", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["until"] == "2027-01-31T23:00:00Z"
    assert run([*command, "--until", "soon"]) == failures.USAGE


def test_events_are_one_line_each(capsys: Captured) -> None:
    command = ["events", "tail", "--type", "factory.access.grant.issued.v1", "--as", "operator"]
    assert run([*command, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["subject"] for line in lines] == ["g-1", "g-2"]
    assert lines[0]["asked"] == {"types": "factory.access.grant.issued.v1"}
    assert run(command) == 0
    assert "factory.access.grant.issued.v1 g-2" in capsys.readouterr().out


def test_swedish_is_spoken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert run(["--lang", "sv", "--help"]) == 0
    assert "Sök i katalogen" in capsys.readouterr().out
    assert run(["search", "inget", "--as", "researcher", "--lang", "sv"]) == 0
    assert "Inget hittades" in capsys.readouterr().out
    monkeypatch.setenv("LANG", "sv_SE.UTF-8")
    assert run(["search", "inget", "--as", "researcher"]) == 0
    assert "Inget hittades" in capsys.readouterr().out
    assert run(["search", "inget", "--as", "researcher", "--lang=en"]) == 0
    assert "Nothing found" in capsys.readouterr().out


def test_options_for_all_commands_may_stand_anywhere() -> None:
    found, rest = hoist(["search", "--json", "x", "--as=lead", "--url", "u", "--", "--json"])
    assert found == {"--json": "yes", "--as": "lead", "--url": "u"}
    assert rest == ["search", "x", "--", "--json"]


def test_every_cure_of_the_law_has_a_command_or_none_on_purpose() -> None:
    operations = {
        "update_project": "factory projects purpose p-1 research",
        "create_request": "factory request create d-1",
        "sign_agreement": "factory sign a-1",
        "start_attempt": "factory course take c-1",
        "release_version": "factory steward release v-1",
        "publish_dataset": "factory steward publish d-1",
        "add_member": "factory projects add p-1 u-1",
        "list_datasets": "factory search",
        "list_versions": "factory dataset d-1",
        "create_project": "factory projects create",
    }
    ids = {
        "project_id": "p-1",
        "dataset_id": "d-1",
        "agreement_id": "a-1",
        "course_id": "c-1",
        "version_id": "v-1",
        "user_id": "u-1",
        "permitted_purposes": ["research"],
    }
    for operation, command in operations.items():
        told = failures.command_of(cure_of({"kind": "act", "operation_id": operation, "text": "t", **ids}))
        assert told is not None
        assert told.startswith(command)
    assert failures.command_of(cure_of({"kind": "none", "operation_id": None, "text": "t"})) is None


def test_every_command_is_documented() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `factory ")]
    documented: set[str] = set()
    for row in rows:
        first, *others = re.findall(r"`([^`]+)`", row.split("|")[1])
        words = first.removeprefix("factory ").split()
        documented |= {" ".join(words), *(" ".join([*words[:-1], other]) for other in others)}
    group = typer.main.get_command(make_app())
    commands: set[str] = set()
    for name, command in vars(group)["commands"].items():
        inner = vars(command).get("commands")
        commands |= {f"{name} {below}" for below in inner} if inner else {name}
    assert documented == commands


def test_ways_to_a_yes_come_in_the_order_they_are_gone(fake: FakeFactory, capsys: Captured) -> None:
    fake.denied = ["agreement-unsigned", "course-not-valid", "grant-absent", "purpose-not-permitted"]
    fake.permitted_purposes = ["research"]
    run(["explain", "v-1", "--project", "p-1", "--purpose", "innovation", "--as", "researcher"])
    out = capsys.readouterr().out
    order = ["purpose-not-permitted", "course-not-valid", "grant-absent", "agreement-unsigned"]
    assert sorted(order, key=lambda code: out.index(f"message of {code}")) == order
    assert "--purpose research --until" in out  # a request for the purpose asked would be refused
