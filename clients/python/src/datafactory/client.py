"""The way in: one object that knows every noun."""

from pathlib import Path
from types import TracebackType

from datafactory.auth import Credentials
from datafactory.campaigns import Campaigns, Tasks
from datafactory.courses import Courses
from datafactory.datasets import Datasets
from datafactory.decisions import Decisions
from datafactory.donations import Donations
from datafactory.downloads import Downloads
from datafactory.events import Events
from datafactory.partners import Partners
from datafactory.preparation import Recipes, Runs
from datafactory.projects import Projects
from datafactory.requests import Requests
from datafactory.terms import Terms
from datafactory.transport import Transport
from datafactory.uploads import Uploads


class Client:
    """A caller at a factory. Safe to share between threads.

    >>> from datafactory import Client
    >>> from datafactory.signin import sign_in_with_browser
    >>> with Client(url, sign_in_with_browser(url)) as factory:  # doctest: +SKIP
    ...     factory.datasets.find("digits")
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials | None,
        *,
        language: str = "en",
        state_folder: Path | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.transport = transport or Transport(base_url, credentials, language=language)
        self.partners = Partners(self.transport)
        self.projects = Projects(self.transport)
        self.terms = Terms(self.transport)
        self.courses = Courses(self.transport)
        self.requests = Requests(self.transport)
        self.decisions = Decisions(self.transport)
        self.donations = Donations(self.transport)
        self.uploads = Uploads(self.transport, state_folder=state_folder)
        self.datasets = Datasets(self.transport)
        self.downloads = Downloads(self.transport, self.decisions)
        self.recipes = Recipes(self.transport)
        self.runs = Runs(self.transport)
        self.campaigns = Campaigns(self.transport)
        self.tasks = Tasks(self.transport)
        self.events = Events(self.transport)

    def close(self) -> None:
        """Close every connection."""
        self.transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
