"""How well a run did: its report, places to judge, and the gate."""

import base64
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.panel import Panel

from datafactory.cli import failures
from datafactory.cli.language import say
from datafactory.cli.output import done, factory, print_json, table, terminal, text_of
from datafactory.cli.preparing import Run
from datafactory.client import Client
from datafactory.errors import Json

JUDGEMENTS = {"r": "right", "m": "missed", "n": "needless"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    gate = typer.Typer(
        no_args_is_help=True,
        help=say("The gate: reports, judging, and passing.", "Grinden: rapporter, bedömning och passage."),
    )
    app.add_typer(gate, name="gate")

    @gate.command(
        help=say("Show a run's report, and what the gate would say.", "Visa en körnings rapport, och grindens svar.")
    )
    def report(run_id: Run) -> None:
        with factory() as client:
            found = client.runs.report(run_id)
        if terminal().json:
            print_json(found)
            return
        _report(found)

    @gate.command(help=say("What became of each file.", "Vad det blev av varje fil."))
    def files(run_id: Run) -> None:
        columns = (("path", say("path", "sökväg")), ("state", say("state", "läge")), ("reason", say("why", "varför")))
        with factory() as client:
            found = list(client.runs.report_files(run_id))
        table(found, (*columns, ("counts", say("found", "funnet"))), empty=say("No files.", "Inga filer."))

    @gate.command(
        help=say(
            "Judge places one by one: r right, m missed, n needless, s skip, q quit. Or --sample ID --judgement right.",
            "Bedöm ställen: r rätt, m missat, n onödigt, s hoppa, q sluta. Eller --sample ID --judgement right.",
        )
    )
    def review(
        run_id: Run,
        sample: Annotated[str | None, typer.Option(help=say("id of one place", "ett ställes id"))] = None,
        judgement: Annotated[str | None, typer.Option(help="right, missed, needless")] = None,
        pictures: Annotated[
            Path | None, typer.Option(help=say("folder to put pictures in", "mapp att lägga bilder i"))
        ] = None,
    ) -> None:
        with factory() as client:
            if sample and judgement:
                done(say("Judged.", "Bedömt."), client.runs.judge(run_id, sample, judgement))
                return
            samples = client.runs.samples(run_id)
            if terminal().json:
                print_json(samples)
                return
            _judge_all(client, run_id, [s for s in samples if not s.get("judgement")], pictures)

    @gate.command(
        "pass",
        help=say(
            "Ask the gate to let the version through (a steward who did not start the run). Ends with 5 on a no.",
            "Be grinden släppa igenom versionen (en granskare som inte startade körningen). Slutar med 5 vid nej.",
        ),
    )
    def let_pass(run_id: Run, reasons: Annotated[str, typer.Option(help=say("why", "varför"))]) -> None:
        _decide(run_id, "pass", reasons)

    @gate.command(help=say("Refuse the version.", "Släpp inte igenom versionen."))
    def refuse(run_id: Run, reasons: Annotated[str, typer.Option(help=say("why", "varför"))]) -> None:
        _decide(run_id, "refuse", reasons)


def _decide(run_id: str, decision: str, reasons: str) -> None:
    with factory() as client:
        answer = client.runs.decide_gate(run_id, decision, reasons)
    passed = answer["outcome"] == "passed"
    if terminal().json:
        print_json(answer)
    elif passed:
        done(
            say(f"Passed: version {answer['version_id']} is released.", f"Version {answer['version_id']} är frisläppt.")
        )
    else:
        title = say("The gate says no", "Grinden säger nej")
        terminal().out.print(Panel(_refusals(answer) or escape(reasons), title=title, border_style="red", expand=False))
    if decision == "pass" and not passed:
        raise typer.Exit(failures.DENIED)


def _refusals(answer: Json) -> str:
    lines: list[str] = []
    for refusal in answer.get("refusals") or []:
        lines.append(f"[bold]{escape(str(refusal['code']))}[/]  {escape(text_of(refusal.get('text')))}")
        measured, needed = text_of(refusal.get("measured")), text_of(refusal.get("needed"))
        lines.append(
            f"  [dim]{say('measured', 'mätt')} {escape(measured)}, {say('needed', 'krävs')} {escape(needed)}[/]"
        )
    return "\n".join(lines)


def _report(report: Json) -> None:
    out = terminal().out
    files = report["files"]
    out.print(
        say(
            f"{files['total']} files: {files['treated']} treated, {files['withheld']} withheld",
            f"{files['total']} filer: {files['treated']} behandlade, {files['withheld']} undanhållna",
        )
    )
    rows = [{"kind": kind, **numbers} for kind, numbers in report["found"].items()]
    columns = (
        ("kind", say("kind", "slag")),
        ("found", say("found", "funna")),
        ("treated", say("treated", "behandlade")),
    )
    table(rows, columns, empty=say("Nothing was found.", "Inget hittades."))
    for withheld in report.get("withheld") or []:
        why = text_of(withheld.get("text") or withheld["reason"])
        out.print(f"  [yellow]{escape(str(withheld['path']))}[/]  {escape(why)}")
    for measured in report.get("tables") or []:
        out.print(
            f"  [bold]{escape(str(measured['path']))}[/]  "
            + escape(text_of({k: v for k, v in measured.items() if k != "path"}))
        )
    for sample in report.get("samples") or []:
        out.print(
            f"  [dim]{escape(str(sample['kind']))}  {escape(str(sample['shape']))} → {escape(str(sample['after']))}[/]"
        )
    review = report["review"]
    recall = review.get("recall")
    told = f"{recall['estimate']:.0%} ({recall['low']:.0%}–{recall['high']:.0%})" if recall else "—"
    out.print(
        say(
            f"Judged {review['judged']} of {review['drawn']} places; recall {told}",
            f"Bedömt {review['judged']} av {review['drawn']} ställen; återfinning {told}",
        )
    )
    gate = report["gate"]
    if gate["would_pass"]:
        out.print(f"[green]✓[/] {say('The gate would pass it.', 'Grinden skulle släppa igenom den.')}")
    else:
        title = say("The gate would say no", "Grinden skulle säga nej")
        out.print(Panel(_refusals(gate), title=title, border_style="red", expand=False), soft_wrap=False)


def _judge_all(client: Client, run_id: str, samples: list[Json], pictures: Path | None) -> None:
    out = terminal().out
    if not samples:
        out.print(say("No place waits to be judged.", "Inget ställe väntar på bedömning."))
        return
    for number, sample in enumerate(samples, start=1):
        where = f"{sample['path']}, {sample['place']}"
        out.print(f"\n[bold]{number}/{len(samples)}[/]  {escape(str(sample['kind']))}  [dim]{escape(where)}[/]")
        if sample.get("picture"):
            out.print(_put_picture(sample, pictures))
        elif sample["sort"] == "treated":
            out.print(f"  {escape(str(sample['before']))} → {escape(str(sample['after']))}")
        else:
            out.print(f"  {escape(str(sample['after']))}")
        fits = "rns" if sample["sort"] == "treated" else "rms"
        while True:
            answer = typer.prompt(f"{'/'.join(fits)}/q", err=True).strip().lower()[:1]
            if answer and answer in fits + "q":
                break
        if answer == "q":
            return
        if answer != "s":
            client.runs.judge(run_id, str(sample["id"]), JUDGEMENTS[answer])


def _put_picture(sample: Json, folder: Path | None) -> str:
    if folder is None:
        return say(
            "  a picture; name a folder with --pictures to see it",
            "  en bild; ange en mapp med --pictures för att se den",
        )
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{sample['id']}.jpg"
    target.write_bytes(base64.b64decode(str(sample["picture"]).rpartition(",")[2]))
    return f"  {escape(str(target))}"
