"""Content that comes with a call or a log, beside the version that it is said to be of."""

from fastapi.testclient import TestClient

from tests.generations.calls import CALL_URL


def test_content_beside_a_version_is_that_versions(caller: TestClient) -> None:
    content = {"model": "m", "provider": "fake", "template": "Say hi"}
    prompt = caller.post("/v5/prompts", json={"path": "made/x"} | content).json()
    other = content | {"temperature": 0.5}
    for query in ({"version_id": prompt["version_id"]}, {"environment": "production"}):
        for url, more in ((CALL_URL, {}), ("/v5/prompts/log", {"output": "hi"})):
            same = caller.post(url, params=query, json={"path": "made/x", "prompt": content} | more)
            assert same.status_code == 200, same.text
            refused = caller.post(url, params=query, json={"path": "made/x", "prompt": other} | more)
            assert (refused.status_code, "not the content of" in refused.text) == (422, True), refused.text
    assert len(caller.get(f"/v5/prompts/{prompt['id']}/versions").json()["records"]) == 1
