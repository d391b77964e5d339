"""What the storefront's files must keep to, whatever a browser makes of them."""

import hashlib
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


def test_the_vendored_library_is_unchanged_and_has_its_licence() -> None:
    # Given: dist/dagre.esm.js of @dagrejs/dagre 3.1.3, as the npm registry has it.
    library = STOREFRONT / "vendor" / "dagre" / "dagre.esm.js"
    published = "b0ddaf4af1417bec9bd89373a3a3987f081727d6cc6d95fc40dbf85a19bdf3b0"

    # Then
    assert hashlib.sha256(library.read_bytes()).hexdigest() == published
    assert "Permission is hereby granted" in (library.parent / "LICENSE.txt").read_text("utf-8")


def test_only_the_graph_loads_the_vendored_library() -> None:
    imports = findings(re.compile(r"vendor/[\w./-]+"), "*.js")

    assert imports == {"js/saga_layout.js": ["vendor/dagre/dagre.esm.js"]}


def test_no_page_has_code_or_styles_of_its_own() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", re.IGNORECASE)

    assert findings(inline, "*.html") == {}
