"""The one page a person sees here: a sign-in that did not work."""

from html import escape

from starlette.responses import HTMLResponse

from gateway.texts import TEXTS
from services.kit.texts import Language

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p><p><a href="/auth/login">{again}</a></p></main></body></html>
"""


def failed_page(code: str, language: Language, status: int = 400) -> HTMLResponse:
    """Say what went wrong, in words, with a way to start over."""
    page = _PAGE.format(
        language=language,
        title=escape(TEXTS["sign-in-failed"][language]),
        text=escape(TEXTS[code][language]),
        again=escape(TEXTS["try-again"][language]),
    )
    return HTMLResponse(page, status_code=status, headers={"Cache-Control": "no-store", "Content-Language": language})
