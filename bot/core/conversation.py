"""The router: what a direct message wants. Rules for what people say in set ways; a trained view for the rest."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.core.distress import outright
from bot.core.text import clean, content_words, words

Intent = Literal["ask", "triage", "selfcheck", "reflect", "smalltalk", "help", "other_person", "distress", "privacy"]

INTENTS: tuple[Intent, ...] = (
    "ask",
    "triage",
    "selfcheck",
    "reflect",
    "smalltalk",
    "help",
    "other_person",
    "distress",
    "privacy",
)
_FLOOR = 0.01  # of a share that the trained view doesn't see at all
_OUTRIGHT = 2.5  # log odds for an intent whose set words are there
_ASKS = 0.5  # log odds for a question mark at the end, or words that open a question
_OPENS = 0.6  # and as much more where a message opens with a question that it then explains
_MUST_BE_CLEAR = frozenset({"selfcheck", "reflect", "smalltalk", "help", "privacy"})
_CLEAR = 0.4  # share from which on a wish is taken up; set on authors held out
_WISH = 30  # words; a wish is short, and a longer story may hold its words by chance
_TALK = 14  # words; longer than that, people mean something
_MOST = {"who_are_you": 28}  # save that who asks whom they talk to often says why
_SITUATION = 3  # words beside "which competency is this" that make a situation
_UNSURE = 0.35  # a second reading this likely is offered beside the first


@dataclass(frozen=True, slots=True)
class Route:
    """What a direct message wants."""

    intent: Intent
    confidence: float  # 0 to 1
    unsure: bool = False  # True where a second reading is about as likely: say so, offer it
    other: Intent | None = None  # that second reading
    subject: str | None = None  # with small talk "greeting", "thanks", …; with another person's matters a `Verdict`


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns))


_OTHERS_DATA = _any(
    r"\b(?:show|tell|give|send|see|read|view|get|export|share|pull(?: up)?|open)\b.{0,40}\b(?!my\b|your\b|the\b|our own\b)(?:\w+'s|his|her|their|everyone's|everybody's|team's|staff'?s?|colleagues?'?)\s+(?:self[- ]?checks?|scores?|ratings?|reflections?|journals?|answers?|results?|questions?|entries|profile|history|chats?|data)\b",
    r"\b(?:what|how) (?:did|has|have|does) (?!i\b|we\b|my\b|our\b|your\b|the paper\b|they\b|the authors\b|you\b|metz\b|khan\b)[a-z]+(?: [a-z]+)? (?:score|rate (?:him|her|them)sel|write in|answer(?:ed)? (?:on|in)|say in (?:his|her|their)|reflect on|ask(?:ed)? you)",
    r"\bwho (?:in|on|of|among) (?:my|our|the|this) (?:team|unit|group|office|department|staff)\b.{0,40}\b(?:lowest|worst|weakest|best|strongest|highest)\b",
    r"\bis (?!it\b|this\b|that\b|there\b|the\b|an?\b|our\b)\w+ (?:good|ready|strong|skilled|fit) enough\b",
    r"\bwhat\b.{0,60}\b(?:wrote|said|answered|put) in (?:their|his|her) (?:journals?|self[- ]?checks?|reflections?|answers?)\b",
    r"\bhow (?:did|is|was|has) (?!i\b|we\b|my\b|our\b|the\b|this\b|that\b|it\b)\w+ (?:do|doing|done|get on|fare) (?:in|on|with|at|for) (?:his|her|their|the)\b",
    r"\bwho (?:else )?(?:has been |have been |is |'s )?(?:scored|rated|asked you|using you|used you|got the (?:lowest|worst|best)|is the weakest|talk(?:ed|ing) to you)",
    r"\b(?:lowest|worst|best|weakest|strongest) (?:scor\w+|rated|performer|isp|coach|practitioner) (?:on|in|of) (?:my|our|the) (?:team|unit|staff|department|group)",
    r"\b(?:is|was|are) (?:my )?(?!this\b|that\b|it\b|there\b|the\b|an?\b)\w+ (?:a )?(?:good|bad|poor|weak|competent|incompetent|terrible|useless|fit|cut out)(?: enough)? (?:isp|coach|manager|nurse|teacher|practitioner|leader|colleague|boss|at (?:her|his|their) job)\b",
    r"\b(?:rate|score|grade|rank|assess|evaluate|judge) (?:my (?:colleagues?|boss|manager|supervisor|coworkers?|staff|direct reports?|team members?)|him|her|(?!the\b|how\b|what\b|our\b|my\b|your\b|this\b|if\b|whether\b)[a-z]+ (?:for me|as an? \w+|on a scale|out of (?:5|10|ten|five)))",
    r"\bshould (?:i|we) (?:fire|sack|discipline|let go of|promote|hire) (?!an?\b|isps?\b|someone\b|people\b|more\b|implementation\b)\w+",
)
_SELFCHECK = _any(
    r"\bself[- ]?(?:check|assess\w*|evaluat\w+|rating|test)\b",
    r"\b(?:check|test|assess|rate|score|measure|evaluate) (?:myself|my (?:own )?(?:skills?|level|competenc\w+|self|abilit\w+))\b",
    r"\bwhich (?:competenc\w+|functions?|ones?) am i (?:bad|good|weak|weakest|strong|strongest|best|worst|low|lowest)\b",
    r"\b(?:what|which) level am i\b|\bam i (?:foundational|advanced)\b|\bwhere do i stand\b|\bhow (?:good|strong|competent) am i\b",
    r"\b(?:which|what) (?:was|is|were|are) my (?:lowest|highest|weakest|strongest|worst|best|last|latest)\b|\bmy (?:last|latest|previous|earlier) (?:rating|score|mark|check|result)s?\b",
    r"\b(?:quick check|my profile|full profile|see my (?:results|scores|progress))\b",
)
_OWN_LEVEL = re.compile(
    r"\bam i (?:still |already |more )?(?:foundational|advanced|level (?:one|two|1|2))\b|\b(?:what|which) level am i\b"
)
_REFLECT = _any(
    r"\b(?:weekly|a|my|another|reflection) (?:reflection|prompt|nudge|journal)s?\b(?!.*\b(?:team|staff|teachers|nurses|families)\b)",
    r"^(?:i want to |can i |let me |let's |time to |help me )?(?:reflect|journal|write (?:a|my) (?:reflection|journal))\b(?!.*\b(?:team|staff|teachers|nurses|families)\b)",
    r"\b(?:remind|nudge|prompt) me (?:every|each|weekly|on|once)\b",
    r"\b(?:stop|pause|snooze|skip|change|turn off|unsubscribe from) (?:the |my |these |those |your )?(?:reflections?|nudges?|prompts?|reminders?)\b",
    r"\bmy (?:past |old |last |earlier )?(?:reflections|journal|entries|commitments?)\b",
)
_PRIVACY = _any(
    r"\b(?:who (?:can |else can |gets to |will |could )?(?:see|read|access|view)) (?:this|that|what i|my|these|our|it)\b",
    r"\bis (?:this|that|it|what i (?:say|write|tell you)|our (?:chat|conversation)|my data) (?:private|confidential|anonymous|secure|safe|stored|recorded|logged|saved)\b",
    r"\b(?:delete|erase|remove|export|download|wipe|forget) (?:all )?(?:of )?(?:my|everything (?:you|about me)|what you (?:know|have|store))\b",
    r"\bwhat (?:do|data do|information do|have|are) you (?:store|stor\w+|keep|save|record|know about me|hold|collect|got on me)\b",
    r"\b(?:does|do|can|will) (?:my )?(?:boss|manager|admins?|employer|supervisor|hr|anyone|anybody|slack) (?:see|read|get|know|find out|have access)\b",
    r"\b(?:is|was|will|are|were) (?:it|that|this|they|any of (?:it|this|that)|what i \w+(?: you)?|my \w+) (?:be |being )?(?:kept|saved|stored|recorded|logged|shared|passed on|sent (?:on|off|anywhere|to)|deleted|erased)\b",
    r"\b(?:privacy|gdpr|data protection)\b(?=.*\b(?:you|bot|your|this|my)\b)|^privacy\W*$",
)
_HELP = _any(
    r"^(?:/?help|menu|commands?|options|\?+|start|hilfe|ayuda)\W*$",
    r"\b(?:what can (?:you|i|this(?: bot| thing)?) (?:do|ask|use)|what do you do|how do(?:es)? (?:you|this|it|i use (?:you|this|it)) work|how (?:do|can|should) i (?:use|talk to) (?:you|this|the bot|coach)|what are you for|what (?:else )?can you help|what should i ask you|how can you help|show me (?:the |your )?commands|what (?:commands|features))\b",
    r"\bhelp (?:me )?(?:with (?:this|the) (?:bot|app)|using (?:you|this|the bot))\b",
)
_SMALLTALK: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "who_are_you",
        _any(
            r"^(?:so |and |hey |hi )*(?:who|what) are you\b",
            r"\bare you (?:a |an )?(?:bot|robot|human|person|real|ai|chatgpt|claude|machine)\b",
            r"\bwho (?:made|built|created|programmed) you\b",
            r"\bwhat(?:'s| is) your name\b",
        ),
    ),
    (
        "thanks",
        _any(
            r"^(?:ok(?:ay)?,? |great,? |perfect,? |super,? |cool,? |lovely,? |many |big |no,? )*(?:thanks?|thank you|thx|ty|cheers|ta|merci|gracias|danke|takk?|tack|obrigad[oa]|grazie|kiitos|arigato|asante|shukran|shukriya|diolch|dziękuję|mahalo|salamat|appreciated?|much appreciated|that helps?(?:ed)?|that was helpful)\b.{0,50}$"
        ),
    ),
    (
        "bye",
        _any(
            r"^(?:ok(?:ay)?,? )?(?:bye|goodbye|see you|see ya|good night|later|ciao|have a (?:good|nice|great) \w+|ttyl|talk (?:soon|later))\b.{0,30}$"
        ),
    ),
    (
        "greeting",
        _any(
            r"^(?:hi+|hey+|hello+|hiya|howdy|yo|good (?:morning|afternoon|evening|day)|morning|greetings|hola|bonjour|hallo|g'day|sup|what's up|ciao|salut|namaste|salaam|jambo|aloha|shalom|hei|hej|moin|bula|kia ora|talofa|wah gwaan|wagwan|how far|merhaba|bore da|ola|olá)(?: there| again| coach| bot| everyone| team| all| you)*\W*$",
            r"^(?:hi|hey|hello)?[,! ]*how(?:'s| is| are) (?:you|it going|things|your day|life)\b.{0,25}$",
        ),
    ),
    (
        "chat",
        _any(
            r"^(?:lol|haha+|ha|ok+|okay|k|yes|yep|yeah|no|nope|nah|sure|cool|nice|great|wow|hmm+|oh|right|fine|test(?:ing)?|ping|[\W_]+)\W*$",
            r"\btell me a joke\b",
            r"^(?:sorry|oops|my bad|never ?mind|ignore that)\b.{0,20}$",
        ),
    ),
)
_WISHES: tuple[tuple[Intent, re.Pattern[str]], ...] = (
    ("help", _HELP),
    ("privacy", _PRIVACY),
    ("selfcheck", _SELFCHECK),
    ("reflect", _REFLECT),
)
_QUESTION = re.compile(
    r"\?\s*$|\b(?:how (?:do|does|can|could|should|would|might|to)|what (?:should|does|do|can|could|sort|kind)|any advice|where do) [^.!?]{3,160}\?|^(?:so |and |but |ok |hi |hey |please |can you |could you )*(?:what|whats|who|which|when|where|why|how|is|are|do|does|did|can|could|should|define|explain|list|name|tell me|describe|compare|give me|show me)\b"
)
_OPENING = re.compile(
    r"^(?:so |and |but |ok |hi |hey |please )*(?:what|which|how|why|where|who) (?:sorts?|kinds?|data|do|does|can|could|should|would|is|are|to|much|many)\b[^.!?]{8,}\?"
)
_PAPER_WORDS = re.compile(
    r"\b(?:competenc\w+|white ?paper|the paper|framework|isps?|implementation support practitioner\w*|foundational|advanced level|level (?:1|2|one|two)|five functions|the authors|khan|manalili|metz)\b"
)
_WHICH = re.compile(
    r"\b(?:which|what) (?:of the )?(?:ten |10 )?(?:competenc\w+|one)\b.{0,30}\b(?:is|would|does|do|am|are)\b.{0,20}\b(?:this|that|it|i|we)\b|\btriage\b"
)


# Verdicts that belong to professions: asked of one's own case, not of how a programme on them is put to work.
_MEDICAL = _any(
    r"\b(?:should|can|may|do) (?:i|she|he|they|the patient|my \w+) (?:stop|start|take|keep taking|increase|double|lower|change|mix|skip|give)\b.{0,40}\b(?:medication|medicine|meds|pills?|tablets?|insulin|antibiotics?|antidepressants?|ssri|sertraline|dose|dosage|opioids?|methadone|naloxone|warfarin|metformin)\b",
    r"\b(?:what|which) (?:dose|dosage|medication|drug|antibiotic)\b.{0,40}\b(?:should|do|can|for (?:a|my|this|the) (?:patient|client|child|son|daughter|mother|father))\b|\bhow (?:many|much) (?:mg|milligrams?|units|tablets?|pills?)\b",
    r"\b(?:do|does|have|has|is|are|am|could) (?:i|she|he|it|this|they|my \w+)\b.{0,30}\b(?:adhd|autis\w+|bipolar|diabetes|cancer|a stroke|heart attack|dementia|schizophreni\w+|ptsd|contagious|infected|broken bone)\b\s*\?|\bdiagnos(?:e|is) (?:me|my|him|her|this (?:patient|rash|lump)|for)\b|\bcan you diagnose\b",
    r"\b(?:is|are) (?:this|my|her|his|the) (?:rash|lump|pain|symptoms?|fever|chest pain|wound|blood pressure|headache)\b.{0,40}\b(?:serious|dangerous|normal|cancer|infected)\b",
)
_LEGAL = _any(
    r"\b(?:can|could|should|may) (?:i|we|they|she|he) (?:sue|be sued|press charges|take (?:them|him|her|it) to court|claim (?:compensation|damages)|get (?:fired|sacked) for)\b|\b(?:am|are|is) (?:i|we|she|he|they|the (?:hospital|school|clinic|county)) (?:legally )?(?:liable|in breach|guilty|breaking the law|legally (?:required|allowed|obliged))\b",
    r"\bis (?:it|this|that) (?:legal|illegal|lawful|unlawful|against the law|a (?:hipaa|gdpr) (?:violation|breach)|discrimination|malpractice|negligence|wrongful dismissal|unfair dismissal)\b|\bdoes (?:this|that|it) violate (?:hipaa|gdpr|the law|my rights|labou?r law)\b|\b(?:legal advice|what are my (?:legal )?rights)\b",
    r"\b(?:review|check|read|interpret|draft|write) (?:my|our|this|the|a|me a) (?:employment contract|contract|lawsuit|legal (?:claim|letter|notice)|non-disclosure|nda|cease and desist|settlement|will)\b|\bwill (?:i|we) win (?:in court|the case|my case)\b",
)
_PERSONNEL = _any(
    r"\bshould (?:i|we|they|he|she|the \w+|my \w+) (?:fire|sack|dismiss|suspend|discipline|demote|let (?:\w+ )?go|write up|promote|renew (?:his|her|their))\b|\b(?:write|draft|give me) (?:a |an |the )?(?:written )?(?:warning|dismissal|termination|performance review|appraisal|reference)(?: letter)? (?:for|about|on|against) (?!the\b|an?\b|our (?:program|project))\w+",
    r"\bwho (?:should|do) (?:i|we) (?:fire|sack|dismiss|let go|lay off|promote)\b|\b(?:is|are) (?!it\b|this\b|that\b|there\b|the\b|our\b|an?\b)\w+ (?:lazy|incompetent|useless|stupid|a liar|mentally ill|an alcoholic|unfit|too old|lying)\b",
)

Verdict = Literal["medical", "legal", "personnel"]


def verdict(text: str) -> Verdict | None:
    """The kind of verdict that a text asks for and that a coach doesn't give, or None."""
    low = clean(text).lower()
    kinds: tuple[tuple[Verdict, re.Pattern[str]], ...] = (
        ("medical", _MEDICAL),
        ("legal", _LEGAL),
        ("personnel", _PERSONNEL),
    )
    return next((kind for kind, pattern in kinds if pattern.search(low)), None)


def about_others(text: str) -> bool:
    """Whether a verdict on a person or somebody else's data is asked for."""
    return bool(_OTHERS_DATA.search(clean(text).lower()))


def small_talk(text: str) -> str | None:
    """The kind of small talk that a message is, or None."""
    low = clean(text).lower()
    if not words(low):
        return "chat"
    count = len(words(low))
    return next((kind for kind, pattern in _SMALLTALK if count <= _MOST.get(kind, _TALK) and pattern.search(low)), None)


def route(text: str, kinds: Mapping[str, float], *, distress: bool | None = None) -> Route:
    """What a direct message wants. `kinds` is the trained view over the intents; empty where nothing was trained.

    `distress` is the verdict of whoever listens more closely; without it, what stands in plain words decides.
    """
    low = clean(text).lower()
    if outright(low) if distress is None else distress:
        return Route("distress", 0.9)
    if kind := verdict(low):
        return Route("other_person", 0.9, subject=kind)
    if about_others(low):
        return Route("other_person", 0.9)
    talk = small_talk(low)
    if talk:
        return Route("smalltalk", 0.95, subject=talk)
    shares = _shares(low, {intent: share for intent, share in kinds.items() if intent != "distress"})
    first, second, *_ = sorted(shares, key=lambda intent: -shares[intent])
    if shares[first] < _CLEAR and first in _MUST_BE_CLEAR:
        # What is no clear wish is worked on, as a question or a situation, and the wish is offered.
        first, second = ("ask" if shares["ask"] >= shares["triage"] else "triage"), first
    unsure = shares[second] >= _UNSURE
    subject = "chat" if first == "smalltalk" else None
    return Route(first, shares[first], unsure=unsure, other=second if unsure else None, subject=subject)


def asks(text: str) -> bool:
    """Whether a message is a question on its face."""
    return bool(_QUESTION.search(clean(text).lower()))


def _shares(low: str, kinds: Mapping[str, float]) -> dict[Intent, float]:
    """The trained view, moved by what the words say outright."""
    scores = {intent: math.log(kinds.get(intent, 0.0) + _FLOOR) for intent in INTENTS}
    outright = _said_outright(low)
    for intent in outright:
        scores[intent] += _OUTRIGHT
    if _QUESTION.search(low) and not {"triage", "selfcheck"} & set(outright):
        scores["ask"] += _ASKS + (_OPENS if _OPENING.search(low) else 0.0)
        if _PAPER_WORDS.search(low):
            scores["ask"] += _OUTRIGHT
    total = sum(math.exp(s) for s in scores.values())
    return {intent: math.exp(s) / total for intent, s in scores.items()}


def _said_outright(low: str) -> list[Intent]:
    found: list[Intent] = []
    if _WHICH.search(low) and len(content_words(_WHICH.sub(" ", low))) >= _SITUATION:
        found.append("triage")
    if _OWN_LEVEL.search(low):
        found.append("selfcheck")
    if len(words(low)) <= _WISH and not _PAPER_WORDS.search(low):
        found += [intent for intent, pattern in _WISHES if pattern.search(low)]
    return found
