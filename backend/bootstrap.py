"""The composition root: puts the parts together. Which backend they stand on, `backends` chooses."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from backend.backends import Examine, open_backend
from backend.contracts.caching import Cache
from backend.contracts.errors import Issue
from backend.contracts.events import utc_now
from backend.contracts.plans import Catalogue
from backend.contracts.ports import LLM, Planner
from backend.drivers.notifications import NotificationDriver
from backend.drivers.plans import PlanDecider
from backend.drivers.runs import Graphs, RunDecider
from backend.drivers.saved import SavedDecider
from backend.drivers.schedules import ScheduleDecider
from backend.drivers.steps import StepDriver
from backend.drivers.threads import ThreadDecider
from backend.drivers.triggers import TriggerDriver
from backend.lightning import Lightning
from backend.lightning.outages import Outages
from backend.llm import connected
from backend.plans.validation import Subject, Validator
from backend.processor import Processor
from backend.security.credentials import Credentials
from backend.security.login_links import LoginLinks
from backend.security.permissions import judge
from backend.settings import Settings, machine_timezone
from backend.tools.builtin import builtin
from backend.tools.outgoing import Outgoing
from backend.tools.registry import Registry, catalogue_of
from backend.workers.sweep import sweep
from backend.workers.worker import Worker


@dataclass(frozen=True, slots=True)
class System:
    """Everything a role needs."""

    lightning: Lightning
    processor: Processor
    worker: Worker
    links: LoginLinks
    llm: LLM | None
    load_planners: Callable[[], dict[str, Planner]]
    examine: Examine

    @property
    def planners(self) -> dict[str, Planner]:
        """By name, the preferred one first. Loaded at first use: a bare worker needs none."""
        return self.load_planners()

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Consume events in this process for as long as the block runs. What is under way at its end
        gets some time to finish; should the worker itself break, the block is cancelled."""
        async with _beside(self.worker.run(), self._sweep()):
            yield
            await self.worker.drain()

    @contextlib.asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        """Only look after schedules and retention, for as long as the block runs: others consume."""
        async with _beside(self._sweep()):
            yield

    async def _sweep(self) -> None:
        await sweep(self.lightning.bus, self.lightning.store, self.lightning.now)


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    # one group, so that what is raised in the block comes out of one, however much there is beside it
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


@contextlib.asynccontextmanager
async def open_system(
    settings: Settings, *, now: Callable[[], datetime] = utc_now, owner: str | None = None
) -> AsyncIterator[System]:
    """Build the system; closed at the end of the block."""
    timezone = settings.timezone or machine_timezone()
    async with contextlib.AsyncExitStack() as stack:
        backend = await stack.enter_async_context(open_backend(settings, now, owner))
        outages = Outages(now)
        bus = outages.watched("bus", backend.bus)
        store = outages.watched("store", backend.store)
        http = Outgoing(settings)
        stack.push_async_callback(http.aclose)
        models = await stack.enter_async_context(connected(settings))
        llm = models.get("plan")
        registry = Registry(
            builtin(),
            settings,
            http=http,
            files=backend.files,
            llm=llm,
            now=now,
            judge=judge(settings),
        )
        runs = RunDecider(Graphs(store), timedelta(days=settings.retention_days))
        notifies = bool(settings.notify_url)
        threads = ThreadDecider(notifies=notifies)
        steps = StepDriver(registry, bus, store, notifies=notifies)
        processor = Processor(
            [PlanDecider(), SavedDecider(), runs, ScheduleDecider(), threads],
            [steps, TriggerDriver(store), NotificationDriver(http, settings, now)],
            now,
        )
        users = Credentials(
            store, settings.jwt_signing_key, now=now, token_hours=settings.token_hours
        )
        lightning = Lightning(
            bus=bus,
            store=store,
            blobs=backend.blobs,
            files=backend.files,
            registry=registry,
            runs=runs,
            users=users,
            settings=settings,
            now=now,
            timezone=timezone,
            validators=_validators(),
            outages=outages,
            charges=backend.charges,
        )
        yield System(
            lightning,
            processor,
            Worker(bus, store, processor, max_parallel=settings.max_parallel_steps),
            LoginLinks(store, now=now),
            llm,
            functools.cache(lambda: _planners(models, lightning.caches, now)),
            backend.examine,
        )


@dataclass(frozen=True, slots=True)
class Planning:
    """What making plans needs. `planners` by name, the preferred one first; `catalogue` has the shipped
    tools, as a person's saved plans are in a database."""

    planners: dict[str, Planner]
    catalogue: Catalogue


@contextlib.asynccontextmanager
async def open_planning(
    settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Planning]:
    """Only what making plans needs, without a database or a data folder."""
    async with connected(settings) as models:
        known = catalogue_of(
            (t.spec for t in builtin()), settings, model="plan" in models, judge=judge(settings)
        )
        yield Planning(_planners(models, {}, now), known)


def _planners(
    models: Mapping[Any, LLM], caches: dict[str, Cache[Any, Any]], now: Callable[[], datetime]
) -> dict[str, Planner]:
    """Planners come through the same door as plugins, so the backend never imports upward. Theirs are
    put among the `caches`, to be counted."""
    planners: dict[str, Planner] = {}
    for point in sorted(
        entry_points(group="lightning.planner"), key=lambda p: p.name, reverse=True
    ):
        create: Any = point.load()
        planner = create(
            llm=models.get("plan"), reasoning=models.get("select"), caches=caches, now=now
        )
        if planner is not None:
            planners[point.name] = planner
    return planners


def _validators() -> dict[str, Validator]:
    """Validators of plugins, by name."""
    return {point.name: _loaded(point) for point in entry_points(group="lightning.validators")}


def _loaded(point: EntryPoint) -> Validator:
    """A validator that cannot be loaded says so of every plan: its rule would silently not hold."""
    try:
        validator: Validator = point.load()
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the system starts
        reason = f"it cannot be loaded ({type(error).__name__})."

        def broken(_: Subject) -> Iterable[Issue]:
            raise ValueError(reason)

        return broken
    return validator
