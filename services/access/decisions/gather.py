"""Gathers everything the law needs for many decisions at once: a fixed number of queries, however many are asked."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.access.admission import service as admission
from services.access.admission.catalog import CatalogFacts
from services.access.identity import service as identity
from services.access.projects import service as projects
from services.access.terms import service as terms
from services.access.terms.vocabulary import Normal
from services.access.training import service as training
from services.kit.db import RuleSession
from services.kit.schemas import epoch

_NIL = UUID(int=0)
NO_PARTNER: Mapping[str, Any] = {"id": str(_NIL), "sector": "none", "country": "ZZ", "active": False}
NO_MEMBERSHIP: Mapping[str, Any] = {"active": False, "role": "none"}
NO_CLUSTER: Mapping[str, Any] = {"kind": "none"}

_NIL_ID = str(_NIL)
NOBODY: Mapping[str, Any] = {
    "schema": 1,
    "request": {"action": "read", "purpose": "research", "paths_digest": ""},
    "subject": {"id": _NIL_ID, "active": False},
    "partner": NO_PARTNER,
    "project": {
        "id": _NIL_ID, "purpose": "research", "open": False, "starts": 0, "ends": 0,
        "partner_ids": [], "ethics_until": 0,
    },
    "membership": NO_MEMBERSHIP,
    "dataset": {"id": _NIL_ID, "state": "draft", "integrity_class": "restricted", "partner_id": _NIL_ID},
    "version": {"id": _NIL_ID, "state": "committed", "gate": "required", "personal_data": "unknown"},
    "terms": {
        "schema": 1, "actions": ["read"], "purposes": {"any": False, "list": ["research"]},
        "recipients": {"any": True, "partners": [], "sectors": []}, "countries": {"any": True, "list": []},
        "countries_stated": False, "period": {"from": 0, "until": 1}, "commercial": False, "courses": [],
        "gate": "required", "derived_use": "forbidden", "attribution": "", "deletion_days": -1,
    },
    "completions": [],
    "grants": [],
    "environment": {"now": 1, "cluster": NO_CLUSTER},
}  # fmt: skip
"""A valid input about nobody and nothing, denied by every rule: with it one asks whether the law answers at all."""


@dataclass(frozen=True)
class Ask:
    """One question to the law: may this subject, in this project, do this with this version, for this purpose?"""

    subject_id: UUID
    project_id: UUID
    version_id: UUID
    action: str
    purpose: str
    path_digests: tuple[str, ...] = ()


# What terms ask of the gate is for preparation to judge; the law asks only whether the gate has passed.
_NOT_FOR_THE_LAW = frozenset({"gate_thresholds"})


class FactsMissing(Exception):
    """A fact that must be there is not, such as the terms of a dataset: no decision can be made, and none is."""


def digest_of_paths(path_digests: Sequence[str]) -> str:
    """Return one SHA-256 (hex) over the digests of paths, in any order; empty for none."""
    return hashlib.sha256("\n".join(sorted(path_digests)).encode()).hexdigest() if path_digests else ""


def path_digest(path: str) -> str:
    """Return the SHA-256 (hex) of a path in UTF-8 (NFC): how permits name files without telling their names."""
    return hashlib.sha256(unicodedata.normalize("NFC", path).encode()).hexdigest()


async def gather(
    session: RuleSession, asks: Sequence[Ask], catalog: CatalogFacts, now: datetime
) -> dict[Ask, dict[str, Any] | None]:
    """Return the input for each ask, or None where subject, project or version is unknown. Raises FactsMissing."""
    dataset_of = {ask.version_id: found for ask in asks if (found := catalog.dataset_of(ask.version_id)) is not None}
    people = await identity.facts(session, {ask.subject_id for ask in asks})
    of_project = await projects.facts(session, {ask.project_id for ask in asks})
    members = await projects.memberships(session, {(ask.project_id, ask.subject_id) for ask in asks})
    completions = await training.valid_completions(session, {ask.subject_id for ask in asks})
    grants = await admission.grants_for_decisions(
        session, {(ask.project_id, dataset_of[ask.version_id][0]) for ask in asks if ask.version_id in dataset_of}
    )
    normals = await terms.get_normals(session, {dataset.terms_id for _, dataset in dataset_of.values()})

    inputs: dict[Ask, dict[str, Any] | None] = {}
    for ask in asks:
        person, project = people.get(ask.subject_id), of_project.get(ask.project_id)
        if ask.version_id not in dataset_of or person is None or project is None:
            inputs[ask] = None
            continue
        dataset_id, dataset = dataset_of[ask.version_id]
        version = catalog.versions[ask.version_id]
        if dataset.terms_id not in normals:
            raise FactsMissing("the terms of a dataset")
        inputs[ask] = {
            "schema": 1,
            "request": {
                "action": ask.action,
                "purpose": ask.purpose,
                "paths_digest": digest_of_paths(ask.path_digests),
            },
            "subject": {"id": str(ask.subject_id), "active": person["active"]},
            "partner": dict(person["partner"] or NO_PARTNER),
            "project": dict(project),
            "membership": dict(members.get((ask.project_id, ask.subject_id), NO_MEMBERSHIP)),
            "dataset": {
                "id": str(dataset_id),
                "state": dataset.state,
                "integrity_class": dataset.integrity_class,
                "partner_id": str(dataset.partner_id),
            },
            "version": {
                "id": str(ask.version_id),
                "state": version.state,
                "gate": version.gate,
                "personal_data": version.personal_data,
            },
            "terms": _for_the_law(normals[dataset.terms_id]),
            "completions": completions.get(ask.subject_id, []),
            "grants": grants.get((ask.project_id, dataset_id), []),
            "environment": {"now": epoch(now), "cluster": dict(NO_CLUSTER)},
        }
    return inputs


def _for_the_law(normal: Normal) -> dict[str, Any]:
    return {name: value for name, value in normal.items() if name not in _NOT_FOR_THE_LAW}
