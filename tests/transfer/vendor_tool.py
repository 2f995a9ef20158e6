"""An export as Humanloop's tool makes it: by the endpoints that it asks, in the pages in which it asks, as the files that it
writes. The tool itself reads a whole workspace through these; nothing of ours but the API is used."""

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from tests.transfer.vendor import Json, write, write_lines

FILES, LOGS = 100, 1000
"""Records that the tool asks for in a page."""


class VendorTool:
    """The tool, with a client that has a key."""

    def __init__(self, client: TestClient, out: Path) -> None:
        self._client, self._out = client, out

    def export(self) -> None:
        root = self._get("/directories/root")
        assert root["path"] in ("", "/")
        for file in self._pages("/files", size=FILES):
            self._file(file)

    def _get(self, path: str, **query: Any) -> Any:
        answer = self._client.get(f"/v5{path}", params=query)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    def _pages(self, path: str, **query: Any) -> list[Json]:
        """Every record, by pages until one is empty."""
        found: list[Json] = []
        page = 1
        while records := self._get(path, page=page, **query)["records"]:
            found += records
            page += 1
        return found

    def _file(self, file: Json) -> None:
        folder, kind = self._out / "files" / file["id"], file["type"] + "s"
        address = f"/{kind}/{file['id']}"
        write(folder / "file.json", file)
        versions = self._get(f"{address}/versions")["records"]
        for version in versions:
            write(folder / "versions" / version["version_id"], version)
            if kind == "datasets":
                query = {"version_id": version["version_id"], "size": LOGS}
                rows = self._pages(f"{address}/datapoints", **query)
                write_lines(folder / "datapoints" / version["version_id"] / "1.jsonl", rows)
        deployments = [
            {
                "version_id": each["file"]["version_id"], "environment_id": each["id"],
                "environment_name": each["name"], "environment_tag": each["tag"],
            }
            for each in self._get(f"{address}/environments")
            if each["file"]
        ]  # fmt: skip
        write(folder / "deployments.json", deployments)
        if kind != "datasets":
            logs = self._pages("/logs", file_id=file["id"], size=LOGS, include_trace_children=True)
            # The first file of the tool has one more than a page.
            for number, at in enumerate(range(0, len(logs), LOGS + 1), 1):
                write_lines(folder / "logs" / f"{number}.jsonl", logs[at : at + LOGS + 1])
            for evaluation in self._pages("/evaluations", file_id=file["id"], size=FILES):
                self._evaluation(folder / "evaluations" / evaluation["id"], evaluation["id"])
        (folder / ".done").touch()

    def _evaluation(self, folder: Path, evaluation_id: str) -> None:
        address = f"/evaluations/{evaluation_id}"
        write(folder / "evaluation.json", self._get(address))
        write(folder / "stats.json", self._get(f"{address}/stats"))
        for run in self._get(f"{address}/runs")["runs"]:
            write(folder / "runs" / run["id"], run)
        write_lines(folder / "logs" / "1.jsonl", self._pages(f"{address}/logs", size=FILES))
