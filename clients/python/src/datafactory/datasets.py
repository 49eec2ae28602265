"""Datasets, their versions and files, as the catalogue lists them."""

from collections.abc import Iterator, Mapping
from typing import Any

from datafactory.errors import Json
from datafactory.transport import Transport


class Datasets:
    """The catalogue. Answers are those of the OpenAPI document."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(self, text: str | None = None, **facets: str | None) -> Json:
        """Return a page with facets; narrow by integrity_class, purpose, action, media_type, language, state."""
        return self._transport.get("/api/v1/datasets", {"q": text, **facets})

    def find(self, text: str | None = None, *, most: int | None = None, **facets: str | None) -> list[Json]:
        """Return the datasets found, over all pages, `most` at most."""
        return list(self._transport.pages("/api/v1/datasets", {"q": text, **facets}, most=most))

    def get(self, dataset_id: str) -> Json:
        """Return one dataset."""
        return self._transport.get(f"/api/v1/datasets/{dataset_id}")

    def update(self, dataset_id: str, changes: Mapping[str, Any], etag: str | None = None) -> Json:
        """Change what is told about a dataset, under If-Match."""
        return self._transport.patch(f"/api/v1/datasets/{dataset_id}", dict(changes), etag)

    def publish(self, dataset_id: str) -> Json:
        """List the dataset for every signed-in user."""
        return self._transport.post(f"/api/v1/datasets/{dataset_id}/publication")

    def withdraw(self, dataset_id: str, reason: str) -> Json:
        """Withdraw the dataset: grants end, keys are destroyed, a tombstone stays."""
        return self._transport.post(f"/api/v1/datasets/{dataset_id}/withdrawal", {"reason": reason})

    def versions(self, dataset_id: str) -> list[Json]:
        """Return the versions of a dataset."""
        return list(self._transport.pages(f"/api/v1/datasets/{dataset_id}/versions"))

    def version(self, version_id: str) -> Json:
        """Return one version."""
        return self._transport.get(f"/api/v1/versions/{version_id}")

    def release(self, version_id: str, reasons: str) -> Json:
        """Release a raw version, as a steward other than the one who accepted it."""
        return self._transport.post(f"/api/v1/versions/{version_id}/release", {"reasons": reasons})

    def lineage(self, version_id: str) -> Json:
        """Return where a version came from."""
        return self._transport.get(f"/api/v1/versions/{version_id}/lineage")

    def files(self, version_id: str, permit: str | None = None) -> Iterator[Json]:
        """Yield the files of a version: path, size, sha256, media_type. Needs a permit where the class is not open."""
        path: str | None = f"/api/v1/versions/{version_id}/files"
        query: dict[str, Any] = {"limit": 200}
        while path:
            headers = {"Factory-Permit": permit} if permit else None
            page: Json = self._transport.send("GET", path, params=query, headers=headers).json()
            yield from page["items"]
            query["after"] = page.get("next_cursor")
            path = path if query["after"] else None
