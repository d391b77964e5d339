"""What the storefront's files must keep to, whatever a browser makes of them."""

import re
from pathlib import Path

STOREFRONT = Path(__file__).parents[3] / "storefront_s3"
# The name of an XML vocabulary looks like an address and is none.
NAMESPACE = "http://www.w3.org/2000/svg"
LOADS_FROM_ELSEWHERE = re.compile(r"""(?:src|href|url|import|from)\W{0,3}["'(]?(?:https?:)?//\w""")
PARSES_MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(")


def findings(pattern: re.Pattern[str], files: str) -> dict[str, list[str]]:
    """Returns what a pattern finds in the files that a glob names, by path; none must be unread."""
    texts = {
        str(path.relative_to(STOREFRONT)): path.read_text("utf-8").replace(NAMESPACE, "")
        for path in STOREFRONT.rglob(files)
        if path.is_file()
    }
    assert texts
    return {path: found for path, text in texts.items() if (found := pattern.findall(text))}


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert findings(LOADS_FROM_ELSEWHERE, "*") == {}


def test_no_text_is_ever_parsed_as_markup() -> None:
    assert findings(PARSES_MARKUP, "*.js") == {}


def test_every_drawing_that_a_product_can_have_exists() -> None:
    rules = (STOREFRONT / "js" / "illustrations.js").read_text("utf-8")
    sprite = (STOREFRONT / "illustrations.svg").read_text("utf-8")
    named = set(re.findall(r'\["(\w+)", /', rules))
    assert named
    assert named <= set(re.findall(r'<symbol id="([\w-]+)"', sprite))


def test_the_configuration_is_written_when_the_shop_is_published() -> None:
    assert not (STOREFRONT / "config.json").exists()
