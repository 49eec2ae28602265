"""How failures are told: a panel with what is wrong and the commands that mend it, or JSON; and the exit status."""

import shlex
import sys

from rich.markup import escape
from rich.panel import Panel

from datafactory.bundles import UnfitFolder
from datafactory.cli.language import say
from datafactory.cli.output import terminal
from datafactory.errors import (
    Cure,
    Denied,
    DigestMismatch,
    FactoryError,
    Json,
    NotSignedIn,
    Refused,
    SignInFailed,
    StreamEnded,
    Unreachable,
    UploadRefused,
)

OK, FAILED, USAGE, SIGN_IN, NOT_FOUND, DENIED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130


def status_of(error: Exception) -> int:
    """Return the exit status for a failure."""
    match error:
        case NotSignedIn() | SignInFailed():
            return SIGN_IN
        case Refused(status=401):
            return SIGN_IN
        case Refused(status=404):
            return NOT_FOUND
        case Denied():
            return DENIED
        case StreamEnded() if error.codes:
            return DENIED
        case Unreachable() | StreamEnded():
            return UNREACHABLE
        case _:
            return FAILED


def command_of(cure: Cure) -> str | None:
    """Return the command that does what a cure says, with its ids filled in, or None if no command does."""

    def one(name: str, unknown: str) -> str:
        value = cure.ids.get(name)
        return shlex.quote(value) if isinstance(value, str) and value else unknown

    def first(name: str, unknown: str) -> str:
        value = cure.ids.get(name)
        return shlex.quote(str(value[0])) if isinstance(value, list) and value else unknown  # pyright: ignore[reportUnknownArgumentType]

    match cure.operation_id:
        case "update_project" if "permitted_purposes" in cure.ids:
            return f"factory projects purpose {one('project_id', 'PROJECT')} {first('permitted_purposes', 'PURPOSE')}"
        case "update_project":
            return f"factory projects show {one('project_id', 'PROJECT')}"
        case "create_project":
            return "factory projects create NAME --purpose PURPOSE"
        case "add_member":
            return f"factory projects add {one('project_id', 'PROJECT')} {one('user_id', 'USER')}"
        case "start_attempt":
            return f"factory course take {one('course_id', 'COURSE')}"
        case "create_request":
            return (
                f"factory request create {one('dataset_id', 'DATASET')} --project {one('project_id', 'PROJECT')} "
                f"--action {first('actions', 'read')} --purpose {one('purpose', 'PURPOSE')} "
                "--until YYYY-MM-DD --text '…'"
            )
        case "sign_agreement":
            return f"factory sign {one('agreement_id', 'AGREEMENT')}"
        case "list_datasets":
            return "factory search"
        case "list_versions":
            return f"factory dataset {one('dataset_id', 'DATASET')}"
        case "release_version":
            return f"factory steward release {one('version_id', 'VERSION')} --reasons '…'"
        case "publish_dataset":
            return f"factory steward publish {one('dataset_id', 'DATASET')}"
        case _:
            return None


def cure_lines(cures: list[Cure] | tuple[Cure, ...]) -> list[str]:
    """Return cures as lines of markup: what helps, and the command to type."""
    lines: list[str] = []
    for cure in cures:
        lines.append(f"  → {escape(cure.text)}")
        if command := command_of(cure):
            lines.append(f"    [bold cyan]{escape(command)}[/]")
    return lines


def document_of(error: Exception) -> Json:
    """Return a failure as JSON."""
    document: Json = {"code": code_of(error), "detail": str(error)}
    match error:
        case Refused():
            document |= {
                "status": error.status,
                "detail": error.detail,
                "errors": [vars(e) for e in error.errors],
                "cures": [
                    {"kind": c.kind, "operation_id": c.operation_id, "text": c.text, "ids": dict(c.ids)}
                    for c in error.cures
                ],
                **error.extra,
            }
        case Denied():
            document |= {"codes": error.codes, "decision_id": error.decision_id}
        case StreamEnded():
            document |= {"codes": error.codes, "received": error.received, "expected": error.expected}
        case _:
            pass
    return document


def code_of(error: Exception) -> str:
    """Return a stable code for a failure."""
    match error:
        case Refused():
            return error.code
        case Denied():
            return "denied"
        case StreamEnded():
            return "stream-ended"
        case DigestMismatch():
            return "digest-mismatch"
        case UploadRefused():
            return "upload-refused"
        case Unreachable():
            return "unreachable"
        case NotSignedIn():
            return "not-signed-in"
        case SignInFailed():
            return "sign-in-failed"
        case UnfitFolder():
            return "unfit-folder"
        case _:
            return "failed"


def _lines(error: Exception) -> tuple[str, list[str]]:
    """Return the title and the lines (markup) of a panel for a failure."""
    hint = escape(say("(or --as NAME on a laptop)", "(eller --as NAMN på en laptop)"))
    sign_in = f"    [bold cyan]factory login[/]  {hint}"
    match error:
        case Refused():
            lines = [escape(error.detail)]
            lines += [f"  [yellow]{escape(e.pointer or '/')}[/] {escape(e.detail)}" for e in error.errors]
            lines += cure_lines(error.cures)
            if error.status == 401:
                lines.append(sign_in)
            return f"{error.status} {error.code}", lines
        case NotSignedIn() | SignInFailed():
            return say("Not signed in", "Inte inloggad"), [escape(str(error)), sign_in]
        case Denied():
            lines = [f"• {escape(message)} [dim]({escape(code)})[/]" for code, message in _pairs(error)]
            hint = say("Reasons and ways to a yes:", "Skäl och vägar till ett ja:")
            lines.append(f"{escape(hint)} [bold cyan]factory explain VERSION --project … --purpose …[/]")
            return say("The law says no", "Lagen säger nej"), lines
        case StreamEnded() if error.codes:
            text = say("The permit no longer holds", "Tillståndet gäller inte längre")
            return text, [escape(str(error))]
        case StreamEnded():
            return say("The download was cut off", "Nedladdningen avbröts"), [
                escape(str(error)),
                escape(say("Run the same command again to go on.", "Kör samma kommando igen för att fortsätta.")),
            ]
        case Unreachable():
            return say("No answer", "Inget svar"), [escape(str(error))]
        case _:
            return say("That did not work", "Det gick inte"), [escape(str(error) or type(error).__name__)]


def _pairs(error: Denied) -> list[tuple[str, str]]:
    messages = error.messages or error.codes
    return list(zip(error.codes, messages, strict=False))


def tell(error: Exception) -> int:
    """Print a failure on stderr and return its exit status."""
    if terminal().json:
        import json

        sys.stderr.write(json.dumps(document_of(error), ensure_ascii=False, indent=2) + "\n")
    else:
        title, lines = _lines(error)
        panel = Panel("\n".join(lines), title=escape(title), title_align="left", border_style="red", expand=False)
        terminal().err.print(panel, soft_wrap=False)
    return status_of(error)


EXPECTED = (FactoryError, UnfitFolder, OSError, ValueError)
"""Failures that are told rather than shown as a traceback."""
