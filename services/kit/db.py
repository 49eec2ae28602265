"""The database of one service: tables' base, sessions that rules use but never end, one transaction a unit of work."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NoReturn

from sqlalchemy import Dialect, MetaData, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as CoreSession
from sqlalchemy.orm import registry
from sqlalchemy.types import DateTime, TypeDecorator
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.kit.clock import Clock, SystemClock
from services.kit.fair_pool import FairPool

# Constraint names that Alembic can find again.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def make_base(service: str) -> tuple[type[SQLModel], MetaData]:
    """Return a base class for the tables of `service`, with a registry of its own, and its metadata."""
    metadata = MetaData(naming_convention=NAMING)
    # SQLModel keeps one global registry unless told otherwise; services must not see each other's tables.
    base = type(
        f"{service.title()}Base",
        (SQLModel,),
        {"__module__": f"services.{service}.base"},
        registry=registry(metadata=metadata),
    )
    base.metadata = metadata
    return base, metadata


class UtcDateTime(TypeDecorator[datetime]):
    """`timestamptz` that takes and gives aware datetimes in UTC; a naive one is a programming error."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a datetime without zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


def utc_column(*, nullable: bool = False, index: bool = False, default: Any = ...) -> Any:
    """A SQLModel field for an instant in UTC."""
    if nullable and default is ...:
        default = None
    return Field(default=default, sa_type=UtcDateTime, nullable=nullable, index=index)  # pyright: ignore[reportCallIssue, reportArgumentType]


class RuleSession(AsyncSession):
    """The session that rules get: they read and write, and the kit alone decides when it ends."""

    async def execute(self, statement: Any, params: Any = None, **kwargs: Any) -> Any:
        """Run a Core statement (SQLModel warns about this method, though only `exec` takes its own selects)."""
        return await CoreSession.execute(self, statement, params, **kwargs)

    def _refuse(self, what: str) -> NoReturn:
        raise RuntimeError(f"rules never {what}; the kit commits once, before the response leaves")

    async def commit(self) -> None:
        self._refuse("commit")

    async def rollback(self) -> None:
        self._refuse("roll back")

    def begin(self) -> Any:
        self._refuse("begin")

    def begin_nested(self) -> Any:
        self._refuse("begin a nested transaction")

    async def close(self) -> None:
        self._refuse("close the session")


_open_unit: ContextVar["UnitOfWork | None"] = ContextVar("open_unit", default=None)


def transaction_open() -> bool:
    """Whether the current task holds an open transaction (then it must not wait for another service)."""
    unit = _open_unit.get()
    return unit is not None and unit.begun


class UnitOfWork:
    """One transaction: begun at first use, committed once or rolled back, then closed."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._session = RuleSession(engine, expire_on_commit=False, autoflush=True)
        # What is written in this unit and needs the time (the outbox) takes it from the same clock as the rules.
        self._session.info["clock"] = clock
        self.begun = False
        # The unit outlives the task that enters it when FastAPI runs dependencies elsewhere, hence no token reset.
        self._previous = _open_unit.get()
        _open_unit.set(self)

    def session(self) -> RuleSession:
        """Return the session; from now on the unit counts as begun."""
        self.begun = True
        return self._session

    async def commit(self) -> None:
        """Commit what was done."""
        if self.begun:
            await AsyncSession.commit(self._session)
        self.begun = False

    async def rollback(self) -> None:
        """Undo what was done."""
        if self.begun:
            await AsyncSession.rollback(self._session)
        self.begun = False

    async def close(self) -> None:
        """Give the connection back."""
        self.begun = False
        _open_unit.set(self._previous)
        await AsyncSession.close(self._session)


class Database:
    """The engine of a service's database, and units of work on it."""

    def __init__(self, url: str, *, pool: int = 3, overflow: int = 2, clock: Clock | None = None) -> None:
        self.url = url
        self._clock = clock or SystemClock()
        self.engine: AsyncEngine = create_async_engine(
            url, poolclass=FairPool, pool_size=pool, max_overflow=overflow, pool_pre_ping=True, pool_timeout=10,
            pool_recycle=1800,
            hide_parameters=True,  # they are people's data, and errors quote them
        )  # fmt: skip

        @event.listens_for(self.engine.sync_engine, "connect")
        def _timezone(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.close()

    def begin_unit(self) -> UnitOfWork:
        """Return a unit of work; whoever takes it ends it."""
        return UnitOfWork(self.engine, self._clock)

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[RuleSession]:
        """A unit of work for workers and subscriptions: commits on leaving, rolls back on any exception."""
        unit = self.begin_unit()
        try:
            yield unit.session()
            await unit.commit()
        except BaseException:
            await unit.rollback()
            raise
        finally:
            await unit.close()

    async def dispose(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
