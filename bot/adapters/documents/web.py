"""Web pages: what is the page's text, without its menus. Trafilatura decides; a walk of our own stands in.

Trafilatura leaves out what it takes for furniture, at times a list or a table of the text itself, and flattens small
pages. So its result is held against the page's own main part, and where words or breaks are gone, that part is read
as it stands.
"""

from __future__ import annotations

import trafilatura
from lxml import etree, html  # type: ignore[import-untyped]  # lxml ships no types

from bot.adapters.documents.parts import Parsed, Unreadable

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = _HEADINGS | {"p", "li", "dt", "dd", "blockquote", "pre", "tr", "figcaption", "caption", "address", "summary"}
_CONTAINERS = {"div", "section", "article", "main", "ul", "ol", "dl", "table", "tbody", "thead", "body", "details"}
_FURNITURE = {"script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "svg", "iframe"}
_FURNITURE |= {"button", "select", "head", "object", "video", "audio", "canvas", "dialog"}
_KEPT = 0.9  # of the main part's words; below it trafilatura left out text


def parse_html(text: str) -> Parsed:
    """Blocks and headings of a web page. Raises Unreadable where it holds no text."""
    try:
        tree = html.document_fromstring(text.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8", huge_tree=False))
    except (etree.LxmlError, ValueError) as error:
        raise Unreadable("is a web page that is damaged or empty.") from error
    titles = tree.xpath("//title/text()")
    own = _walk(_main_part(tree))
    found = _trafilatura(text)
    whole = _words(found) >= _KEPT * _words(own) and len(found.blocks) >= _KEPT * len(own.blocks)
    parsed = found if whole else own
    parsed.title = str(titles[0]) if titles else ""
    return parsed


def _words(parsed: Parsed) -> int:
    return sum(len(block.split()) for block in parsed.blocks)


def _trafilatura(text: str) -> Parsed:
    xml = trafilatura.extract(
        text, output_format="xml", include_comments=False, include_tables=True, favor_recall=True, deduplicate=False
    )
    parsed = Parsed()
    if xml is None:
        return parsed
    main = etree.fromstring(xml.encode("utf-8"), etree.XMLParser(resolve_entities=False)).find("main")
    for element in main.iter("head", "p", "item", "row", "quote", "code") if main is not None else ():
        if element.tag == "row":
            parsed.add(" | ".join(" ".join("".join(cell.itertext()).split()) for cell in element))
        elif not any(parent.tag in {"row", "item", "quote"} for parent in element.iterancestors()):
            parsed.add("".join(element.itertext()), heading=element.tag == "head")
    return parsed


def _main_part(tree: html.HtmlElement) -> html.HtmlElement:
    """The element that holds the page's text: its only main or article, else the body."""
    for path in ("//main", "//*[@role='main']", "//article"):
        found = tree.xpath(path)
        if len(found) == 1:
            return found[0]
    body = tree.find("body")
    return tree if body is None else body


def _walk(top: html.HtmlElement) -> Parsed:
    """All text under an element, block by block in reading order, furniture passed over."""
    parsed = Parsed()
    pending: list[str] = []

    def flush(*, heading: bool = False) -> None:
        parsed.add("".join(pending), heading=heading)
        pending.clear()

    # An explicit stack: a page may be nested deeper than Python's own would allow.
    stack: list[tuple[html.HtmlElement, bool]] = [(top, False)]
    while stack:
        element, leaving = stack.pop()
        tag = element.tag if isinstance(element.tag, str) else ""
        blockish = tag in _BLOCKS or tag in _CONTAINERS or tag in {"br", "hr"}
        if leaving:
            if blockish:
                flush(heading=tag in _HEADINGS)
            if element.tail and element is not top:
                pending.append(element.tail)
            continue
        if not tag or tag in _FURNITURE:
            if element.tail and element is not top:
                pending.append(element.tail)
            continue
        if blockish:
            flush()
        if element.text:
            pending.append(element.text)
        stack.append((element, True))
        stack.extend((child, False) for child in reversed(element))
    flush()
    return parsed
