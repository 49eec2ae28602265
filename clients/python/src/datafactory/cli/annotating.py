"""Annotating: campaigns, the work of annotators and reviewers, and files of labels."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from datafactory.cli.finding import Project, Purpose
from datafactory.cli.language import say
from datafactory.cli.output import done, factory, note, print_json, sheet, table, terminal, text_of
from datafactory.cli.preparing import read_json
from datafactory.errors import Json

Campaign = Annotated[str, typer.Argument(metavar="CAMPAIGN")]
Task = Annotated[str, typer.Argument(metavar="TASK")]
User = Annotated[str, typer.Argument(metavar="USER")]
Role = Annotated[str, typer.Argument(metavar="annotator|reviewer")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", "-l", help=say("a class; may be repeated", "en klass; kan upprepas"))
]
Marks = Annotated[
    Path | None,
    typer.Option(
        "--marks", exists=True, dir_okay=False, help=say('JSON file: {"marks": […]}', 'JSON-fil: {"marks": […]}')
    ),
]
Comment = Annotated[str, typer.Option(help=say("a comment", "en kommentar"))]
Format = Annotated[str, typer.Option("--format", "-f", help="coco, jsonl, csv")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    campaign = typer.Typer(no_args_is_help=True, help=say("Campaigns of annotation.", "Annoteringskampanjer."))
    app.add_typer(campaign, name="campaign")
    task = typer.Typer(no_args_is_help=True, help=say("An annotator's work.", "En annoterares arbete."))
    app.add_typer(task, name="task")
    _leading(campaign)
    _outcome(campaign)
    _working(task)


def _leading(campaign: typer.Typer) -> None:
    @campaign.command(
        help=say(
            "Open a campaign over a released version (the project's lead). --labels for classes, or --schema FILE.",
            "Öppna en kampanj på en frisläppt version (projektets ledare). --labels för klasser, eller --schema FIL.",
        )
    )
    def create(
        version_id: Annotated[str, typer.Argument(metavar="VERSION")],
        *,
        project: Project,
        purpose: Purpose,
        title: Annotated[str, typer.Option()],
        labels: Annotated[str | None, typer.Option(help=say("names, comma between", "namn med komma"))] = None,
        kind: Annotated[str, typer.Option(help="image-class, boxes, polygons, text-spans, text-class")] = "image-class",
        schema: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
        guidelines: Annotated[
            Path,
            typer.Option(
                exists=True, dir_okay=False, help=say("how to annotate, a text file", "anvisningar, en textfil")
            ),
        ],
        overlap: Annotated[int, typer.Option(min=1, max=10, help=say("people per item", "personer per objekt"))] = 1,
        path: Annotated[list[str] | None, typer.Option(help=say("only files like this", "bara sådana filer"))] = None,
        limit: Annotated[int | None, typer.Option(min=1, help=say("so many items", "så många objekt"))] = None,
    ) -> None:
        if schema is None and not labels:
            raise typer.BadParameter(say("give --labels or --schema", "ange --labels eller --schema"))
        names = [name.strip() for name in (labels or "").split(",") if name.strip()]
        shape: dict[str, Any] = (
            read_json(schema)
            if schema
            else {"kind": kind, "labels": [{"name": name, "title": {"sv": name, "en": name}} for name in names],
                  "multiple": False, "comment": True}
        )  # fmt: skip
        selection: dict[str, Any] = {"media": "text" if str(shape["kind"]).startswith("text") else "image"}
        if path:
            selection["paths"] = path
        if limit:
            selection["limit"] = limit
        body = {
            "version_id": version_id, "project_id": project, "purpose": purpose, "title": title,
            "guidelines": guidelines.read_text(encoding="utf-8"), "schema": shape,
            "overlap": overlap, "selection": selection,
        }  # fmt: skip
        with factory() as client:
            made = client.campaigns.create(body)
        done(say(f"Campaign {made['id']}.", f"Kampanj {made['id']}."), made)

    @campaign.command("list", help=say("List campaigns.", "Lista kampanjer."))
    def list_campaigns() -> None:
        columns = (("id", "id"), ("title", say("title", "titel")), ("state", say("state", "läge")))
        with factory() as client:
            found = client.campaigns.all()
        table(found, (*columns, ("items", say("items", "objekt"))), empty=say("No campaigns.", "Inga kampanjer."))

    @campaign.command(help=say("Show a campaign and how far it has come.", "Visa en kampanj och hur långt den kommit."))
    def show(campaign_id: Campaign) -> None:
        with factory() as client:
            found = client.campaigns.get(campaign_id)
        sheet(str(found["title"]), found, leave_out=("title",))

    @campaign.command(help=say("Let somebody work in a campaign.", "Låt någon arbeta i en kampanj."))
    def add(campaign_id: Campaign, user_id: User, role: Role) -> None:
        with factory() as client:
            done(say("Added.", "Tillagd."), client.campaigns.add_member(campaign_id, user_id, role))

    @campaign.command(help=say("Take that back.", "Ta tillbaka det."))
    def remove(campaign_id: Campaign, user_id: User, role: Role) -> None:
        with factory() as client:
            client.campaigns.remove_member(campaign_id, user_id, role)
        done(say("Removed.", "Borttagen."))


def _outcome(campaign: typer.Typer) -> None:
    @campaign.command(help=say("Items on which annotators disagree.", "Objekt där annoterare är oense."))
    def reviews(campaign_id: Campaign) -> None:
        with factory() as client:
            found = client.campaigns.reviews(campaign_id)
        if terminal().json:
            print_json(found)
            return
        columns = (("id", "id"), ("path", say("file", "fil")), ("answers", say("answers", "svar")))
        rows = [{"id": r["id"], "path": r["item"]["path"], "answers": _answers(r)} for r in found]
        table(rows, columns, empty=say("Nothing waits for review.", "Inget väntar på granskning."))

    @campaign.command(help=say("Say what holds for an item (reviewers).", "Avgör vad som gäller (granskare)."))
    def settle(
        item_id: Annotated[str, typer.Argument(metavar="ITEM")],
        label: Labels = None,
        marks: Marks = None,
        comment: Comment = "",
    ) -> None:
        with factory() as client:
            done(say("Settled.", "Avgjort."), client.campaigns.settle(item_id, _marks(label, marks), comment))

    @campaign.command(help=say("How well annotators agree.", "Hur väl annoterare är överens."))
    def agreement(campaign_id: Campaign) -> None:
        with factory() as client:
            found = client.campaigns.agreement(campaign_id)
        if terminal().json:
            print_json(found)
            return
        names = ("percent", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "mean_iou")
        sheet(say("Agreement", "Överensstämmelse"), {name: _figure(found[name]) for name in names})
        for member, key in (("per_label", "label"), ("per_annotator", "annotator")):
            rows = [{name: _figure(value) for name, value in row.items()} for row in found[member]]
            told = [key, *(name for name in (rows[0] if rows else {}) if name != key)]
            table(rows, [(name, name.replace("_", " ")) for name in told], empty=say("Nobody yet.", "Ingen ännu."))

    @campaign.command(
        help=say(
            "Close a campaign: what was accepted becomes a version, for its gate to pass.",
            "Stäng en kampanj: det som godtagits blir en version, som sedan ska genom sin grind.",
        )
    )
    def close(
        campaign_id: Campaign,
        incomplete: Annotated[
            bool, typer.Option("--incomplete", help=say("though items are missing", "fast objekt saknas"))
        ] = False,
    ) -> None:
        with factory() as client:
            closed = client.campaigns.close(campaign_id, accept_incomplete=incomplete)
        done(say(f"{closed['state']}.", f"{closed['state']}."), closed)

    @campaign.command(help=say("Export what is accepted.", "Exportera det som godtagits."))
    def export(
        campaign_id: Campaign,
        form: Format,
        output: Annotated[Path | None, typer.Option("--output", "-o", help=say("file", "fil"))] = None,
    ) -> None:
        with factory() as client:
            content = client.campaigns.export(campaign_id, form)
        if output is None:
            typer.echo(content, nl=False)
        else:
            output.write_bytes(content)
            done(say(f"{output}: {len(content):,} bytes.", f"{output}: {len(content):,} byte."))

    @campaign.command("import", help=say("Bring in annotations made elsewhere.", "Hämta in annoteringar utifrån."))
    def bring_in(
        campaign_id: Campaign, file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], form: Format
    ) -> None:
        with factory() as client:
            done(say("Imported.", "Importerat."), client.campaigns.import_file(campaign_id, form, file.read_bytes()))


def _figure(value: Any) -> Any:
    """Return a figure as a person reads it: its value to three places, or why it has none."""
    if isinstance(value, dict) and "value" in value:
        return value.get("text") or "—" if value["value"] is None else f"{value['value']:.3f}"
    if isinstance(value, dict):
        return {name: _figure(part) for name, part in value.items()}
    return value


def _answers(review: Json) -> str:
    return " · ".join(", ".join(_mark(mark) for mark in answer["marks"]) or "—" for answer in review["answers"])


def _mark(mark: Json) -> str:
    where = text_of(mark["geometry"]) if mark.get("geometry") else ""
    return f"{mark['label']} {where}".strip()


def _working(task: typer.Typer) -> None:
    @task.command(
        help=say(
            "Take the next item on loan; --save-as puts its file somewhere to look at.",
            "Låna nästa objekt; --save-as lägger dess fil någonstans att titta på.",
        )
    )
    def claim(
        campaign_id: Campaign,
        save_as: Annotated[Path | None, typer.Option("--save-as", help=say("file", "fil"))] = None,
    ) -> None:
        with factory() as client:
            found = client.tasks.claim(campaign_id)
            if found is None:
                done(say("Nothing is left for you here.", "Här finns inget kvar för dig."))
                return
            if save_as is not None:
                save_as.write_bytes(client.tasks.file(found))
        _show(found)

    @task.command(help=say("Show a task.", "Visa en uppgift."))
    def show(task_id: Task) -> None:
        with factory() as client:
            _show(client.tasks.get(task_id))

    @task.command(
        help=say("Save a draft: --label for classes, --marks for the rest.", "Spara ett utkast: --label eller --marks.")
    )
    def save(task_id: Task, label: Labels = None, marks: Marks = None, comment: Comment = "") -> None:
        with factory() as client:
            done(say("Saved.", "Sparat."), client.tasks.save(task_id, _marks(label, marks), comment))

    @task.command(
        help=say(
            "Hand a task in; with --label or --marks it is saved first.",
            "Lämna in en uppgift; med --label eller --marks sparas den först.",
        )
    )
    def submit(task_id: Task, label: Labels = None, marks: Marks = None, comment: Comment = "") -> None:
        with factory() as client:
            if label or marks:
                client.tasks.save(task_id, _marks(label, marks), comment)
            done(say("Handed in.", "Inlämnat."), client.tasks.submit(task_id))

    @task.command("return", help=say("Give a task back unfinished.", "Lämna tillbaka en uppgift ogjord."))
    def give_back(task_id: Task) -> None:
        with factory() as client:
            done(say("Given back.", "Tillbakalämnad."), client.tasks.give_back(task_id))


def _show(task: Json) -> None:
    hidden = ("permit_token", "guidelines", "schema")
    if terminal().json:
        print_json({key: value for key, value in task.items() if key != "permit_token"})
        return
    sheet(say("Task", "Uppgift"), task, leave_out=hidden)
    labels = ", ".join(str(label["name"]) for label in task["schema"]["labels"])
    terminal().out.print(f"[bold]{say('labels', 'etiketter')}[/]  {escape(labels)}")
    if task.get("guidelines"):
        note(str(task["guidelines"]))


def _marks(labels: list[str] | None, file: Path | None) -> list[Json]:
    if file is not None:
        return list(read_json(file).get("marks") or [])
    return [{"label": label} for label in labels or []]
