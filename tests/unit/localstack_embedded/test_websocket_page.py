"""docs/websocket-apis.md names a test for what it says; each of them exists."""

import re

from support.template import ROOT

PAGE = ROOT / "docs" / "websocket-apis.md"
TESTS = {
    "E": [ROOT / "tests/integration/engine/test_websocket_apis.py"],
    "U": sorted((ROOT / "tests/unit/localstack_embedded").glob("test_websocket_*.py")),
}


def names_in(kind: str) -> set[str]:
    found: set[str] = set()
    for module in TESTS[kind]:
        found |= set(re.findall(r"^def (test_\w+)", module.read_text(encoding="utf-8"), re.M))
    return found


def test_every_test_that_the_page_names_exists() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    missing = []
    named = 0
    for row in rows:
        kind = ""
        for word in re.findall(r"\b[EU] (?=`)|`test_\w+`", row.rpartition(" | ")[2]):
            if word in {"E ", "U "}:
                kind = word.strip()
            else:
                named += 1
                if word.strip("`") not in names_in(kind):
                    missing.append((kind, word))

    assert named > 30
    assert not missing
