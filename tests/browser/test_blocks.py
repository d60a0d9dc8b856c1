"""What Block Kit looks like on the page: every block and element of the reference table, and honest words for the rest."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Locator, Page, expect

from bot.sandbox import Sandbox
from tests.browser.conftest import ScriptedBot
from tests.browser.views import mrkdwn, option, plain, profile_chart, score_table

pytestmark = pytest.mark.browser


@pytest.fixture
def show(page: Page, bot: ScriptedBot):
    """Post blocks in Ana's DM; the message that holds them."""

    def post(*blocks, text: str = "Blocks") -> Locator:
        ts = bot.say("D0ANA", text, blocks=list(blocks))
        message = page.locator(f"#main .message[data-ts='{ts}']")
        expect(message).to_be_visible()
        return message

    return post


def text_block(words: str) -> dict:
    return {"type": "section", "text": mrkdwn(words)}


MRKDWN = [
    (
        "*bold* _italic_ ~gone~ `code *not bold*`",
        "<strong>bold</strong> <em>italic</em> <s>gone</s> <code>code *not bold*</code>",
    ),
    ("2*3*4 and snake_case_name stay", "2*3*4 and snake_case_name stay"),
    ("*bold with _italic_ inside*", "<strong>bold with <em>italic</em> inside</strong>"),
    ("* not bold* and *not\nbold*", "* not bold* and *not<br>bold*"),
    ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
    ("<https://example.org/a?b=1&amp;c=2|the *page*>", '<a href="https://example.org/a?b=1&amp;c=2">the *page*</a>'),
    ("see https://example.org/x.", 'see <a href="https://example.org/x">https://example.org/x</a>.'),
    ("<@U0BEN> <#C0GENERAL|general> <!here>", "<span>@Ben Okafor</span> <span>#general</span> <span>@here</span>"),
    ("*<@U0BEN>*: hi", "<strong><span>@Ben Okafor</span></strong>: hi"),
    (":wave: :not_an_emoji: 10:30:45", "<span>👋</span> :not_an_emoji: 10:30:45"),
    ("<!date^1767225600^{date_num}|then>", "<time>2025-12-31</time>"),
    ("<!date^1767225600^{no_such_token}|some day>", "<time>some day</time>"),
]

# The markup that matters: attributes other than an address are left out.
BARE = """node => {
  const copy = node.cloneNode(true);
  for (const one of copy.querySelectorAll("*")) for (const name of one.getAttributeNames()) if (name !== "href") one.removeAttribute(name);
  return copy.innerHTML;
}"""


def test_mrkdwn_is_read_as_slack_reads_it(page: Page, bot: ScriptedBot):
    posted = [bot.say("D0ANA", words) for words, _ in MRKDWN]
    shown = [page.locator(f"#main .message[data-ts='{ts}'] .para").evaluate(BARE) for ts in posted]
    assert shown == [html for _, html in MRKDWN]


def test_quotes_and_code_blocks_stand_apart(show):
    message = show(text_block("Before\n&gt; quoted\n&gt; again\nAfter\n```\nx = 1\n*y*\n```"))
    expect(message.locator("blockquote")).to_have_text("quotedagain")
    expect(message.locator("pre")).to_have_text("x = 1\n*y*")
    expect(message.locator(".para")).to_have_text(["Before", "After"])


def test_the_markdown_block_takes_standard_markdown(show):
    source = (
        "# Title\nText with **bold**, *italic*, ~~gone~~ and [a link](https://example.org).\n\n"
        "1. one\n2. two\n   - inner\n\n> said\n\n| A | B |\n|---|--:|\n| 1 | 2 |\n\n```python\nx = '**'\n```\n- [x] done"
    )
    message = show({"type": "markdown", "text": source})
    expect(message.get_by_role("heading", name="Title")).to_be_visible()
    expect(message.locator("strong")).to_have_text("bold")
    expect(message.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.org")
    expect(message.locator("ol > li")).to_have_count(2)
    expect(message.locator("ol ul > li")).to_have_text("inner")
    expect(message.locator("blockquote")).to_have_text("said")
    expect(message.get_by_role("columnheader")).to_have_text(["A", "B"])
    expect(message.locator("pre")).to_have_text("x = '**'")
    expect(message.get_by_role("img", name="Done", exact=True)).to_be_visible()


def test_rich_text_shows_lists_styles_and_people(show):
    def part(words, **style):
        return {"type": "text", "text": words, **({"style": style} if style else {})}

    elements = [
        {
            "type": "rich_text_section",
            "elements": [part("<b>literal</b> "), part("strong", bold=True), {"type": "user", "user_id": "U0CHI"}],
        },
        {
            "type": "rich_text_list",
            "style": "ordered",
            "elements": [{"type": "rich_text_section", "elements": [part("one")]}],
        },
        {"type": "rich_text_quote", "elements": [part("quoted")]},
        {"type": "rich_text_preformatted", "elements": [part("code")]},
    ]
    message = show({"type": "rich_text", "elements": elements})
    expect(message).to_contain_text("<b>literal</b> strong@Chi Tanaka")
    expect(message.locator("strong")).to_have_text("strong")
    expect(message.locator("ol li")).to_have_text("one")
    expect(message.locator("blockquote")).to_have_text("quoted")


@pytest.mark.parametrize("kind", ["bar", "line", "area"])
def test_a_chart_is_a_picture_with_its_figures_in_words_and_as_a_table(show, kind):
    message = show(profile_chart(kind))
    picture = message.locator("svg[role=img]")
    expect(picture).to_be_visible()
    expect(picture).to_have_accessible_name(
        f"Where you stand. {kind.capitalize()} chart. Now: C1 3, C4 2, C9 4. In August: C1 1, C4 2, C9 2."
    )
    message.get_by_text("Show the figures").click()
    expect(message.get_by_role("row").nth(1)).to_have_text("C131")


def test_a_pie_says_its_shares(show):
    pie = {"type": "pie", "segments": [{"label": "Connect", "value": 3}, {"label": "Enable", "value": 1}]}
    message = show({"type": "data_visualization", "title": "Time", "chart": pie})
    expect(message.locator("svg[role=img]")).to_have_accessible_name(
        "Time. Pie chart: Connect 3 (75%), Enable 1 (25%)."
    )


def test_a_data_table_has_pages_and_sorts(show):
    message = show(score_table())
    table = message.get_by_role("table", name="Scores")
    expect(table.get_by_role("rowheader")).to_have_text(["C1", "C2", "C3"])
    message.get_by_role("button", name="Next").click()
    expect(table.get_by_role("rowheader")).to_have_text(["C4", "C5", "C6"])
    expect(message.get_by_text("4 to 6 of 7")).to_be_visible()
    table.get_by_role("button", name="Score").click()
    expect(table.get_by_role("cell").first).to_have_text("1")
    expect(table.get_by_role("columnheader", name="Score")).to_have_attribute("aria-sort", "ascending")


def test_a_collapsible_container_opens_and_stays_open_when_the_message_changes(show, bot: ScriptedBot):
    def folded(words):
        return {
            "type": "container",
            "block_id": "sources",
            "title": plain("Sources (1)"),
            "is_collapsible": True,
            "default_collapsed": True,
            "child_blocks": [text_block(words)],
        }

    message = show(folded("Passage one"))
    expect(message.get_by_text("Passage one")).to_be_hidden()
    message.get_by_text("Sources (1)").click()
    expect(message.get_by_text("Passage one")).to_be_visible()
    bot.web.chat_update(
        channel="D0ANA", ts=message.get_attribute("data-ts"), text="Blocks", blocks=[folded("Passage two")]
    )
    expect(message.get_by_text("Passage two")).to_be_visible()


def test_plans_cards_and_alerts_are_drawn(show, bot: ScriptedBot, page: Page):
    tasks = [
        {"type": "task_card", "task_id": str(n), "title": f"Step {n}", "status": status}
        for n, status in enumerate(("complete", "in_progress", "error"))
    ]
    message = show({"type": "plan", "title": "Answering", "tasks": tasks})
    expect(message.get_by_text("1 of 3 done")).to_be_visible()
    expect(message.get_by_role("img", name="Failed")).to_be_visible()
    cards = [{"type": "card", "title": mrkdwn(f"*C{n}*"), "body": mrkdwn("Words")} for n in range(1, 4)]
    carousel = show({"type": "carousel", "elements": cards}).get_by_role("group", name="Cards")
    expect(carousel.get_by_role("listitem")).to_have_count(3)


def test_feedback_buttons_tell_the_bot_which_one_was_pressed(show, bot: ScriptedBot):
    acted = []
    bot.on("interactive", lambda payload: acted.append(payload["actions"][0]))
    buttons = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": {"text": plain("Helpful"), "value": "up"},
        "negative_button": {"text": plain("Not helpful"), "value": "down"},
    }
    message = show(text_block("An answer"), {"type": "context_actions", "elements": [buttons]})
    message.get_by_role("button", name="Not helpful").click()
    expect(message.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    expect(message.locator("[aria-busy='true']")).to_have_count(0)
    assert [(one["action_id"], one["value"]) for one in acted] == [("feedback", "down")]


def test_elements_in_a_message_report_what_was_chosen(show, bot: ScriptedBot, page: Page):
    acted = []
    bot.on("interactive", lambda payload: acted.append(payload["actions"][0]))
    options = [option("Every week", "w"), option("Never", "n")]
    elements = [
        {"type": "checkboxes", "action_id": "boxes", "options": options},
        {"type": "overflow", "action_id": "more", "options": options},
        {"type": "users_select", "action_id": "who", "placeholder": plain("Who")},
        {"type": "datepicker", "action_id": "day"},
    ]
    message = show({"type": "actions", "elements": elements})
    message.get_by_role("checkbox", name="Never").check()
    message.get_by_role("button", name="More options").click()
    page.get_by_role("menuitem", name="Every week").click()
    message.get_by_role("combobox", name="Who").click()
    page.get_by_role("option", name="Ben Okafor").click()
    day = message.locator("input[type=date]")
    day.fill("2027-02-03")
    day.blur()
    expect(message.locator("[aria-busy='true']")).to_have_count(0)
    bot_heard = {one["action_id"]: one for one in wait_for(acted, 4, page)}
    assert [one["value"] for one in bot_heard["boxes"]["selected_options"]] == ["n"]
    assert bot_heard["more"]["selected_option"]["value"] == "w"
    assert bot_heard["who"]["selected_user"] == "U0BEN"
    assert bot_heard["day"]["selected_date"] == "2027-02-03"


def wait_for(found: list, count: int, page: Page) -> list:
    """Let the page work until `found` is long enough."""
    for _ in range(100):
        if len(found) >= count:
            break
        page.wait_for_timeout(50)
    return found


def test_an_uploaded_picture_is_shown_with_its_words(page: Page, bot: ScriptedBot):
    dot = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    )
    bot.web.files_upload_v2(
        channel="D0ANA", content=dot, filename="profile.png", title="Your profile", alt_txt="Bars for ten competencies"
    )
    picture = page.get_by_role("img", name="Bars for ten competencies")
    expect(picture).to_be_visible()
    assert picture.evaluate("node => node.decode().then(() => node.naturalWidth)") == 1
    expect(page.locator(".message .image-title")).to_have_text("Your profile")


def test_a_picture_from_elsewhere_is_named_and_not_fetched(show, page: Page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    message = show({"type": "image", "alt_text": "A run chart", "image_url": "https://pictures.example.org/run.png"})
    expect(message).to_contain_text("Picture: A run chart")
    expect(message.get_by_role("link", name="open it")).to_have_attribute(
        "href", "https://pictures.example.org/run.png"
    )
    assert not [url for url in asked if "example.org" in url]


def test_an_unknown_block_and_an_unknown_element_say_so(page: Page, sandbox: Sandbox):
    # The stand-in refuses unknown blocks, as Slack does; the page must be honest all the same about what it gets.
    page.route("**/ui/state*", lambda route: route.fulfill(json=with_oddities(route.fetch().json())))
    page.reload()
    expect(page.get_by_text("Can't show block type “hologram”.")).to_be_visible()
    expect(page.get_by_text("Can't show element type “joystick”.")).to_be_visible()
    expect(page.get_by_text("Choosing files is not part of this sandbox.")).to_be_visible()
    expect(page.get_by_text("Selects with outside data are not part of this sandbox.")).to_be_visible()
    expect(page.get_by_text("Careful now")).to_be_visible()


def with_oddities(state: dict) -> dict:
    elements = [{"type": kind, "action_id": kind} for kind in ("joystick", "file_input", "external_select")]
    blocks = [
        {"type": "hologram", "block_id": "h"},
        {"type": "actions", "block_id": "a", "elements": elements},
        {"type": "alert", "level": "warning", "text": mrkdwn("Careful now")},
    ]
    state["messages"]["D0ANA"] = [
        {"ts": "1790000000.000100", "user": "U0COACH", "bot_id": "B0COACH", "text": "Odd", "blocks": blocks}
    ]
    return state
