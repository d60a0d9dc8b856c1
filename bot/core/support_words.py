"""Words that change what a sentence claims, and words that may stand for one another when a passage is retold."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.core.facts import content_stems, stem
from bot.core.text import clean

# Words of our trade and of address: in nearly every sentence, so that they support nothing and need no support.
FRAME = frozenset(
    stem(w)
    for w in (
        """
    isp isps practitioner practitioners support supporting supports team teams help helps helping
    you your people person work works working level levels competency competencies function
    functions way ways thing things make makes making take takes taking get gets getting let lets
    come comes put puts give gives go goes part role task implementation implementing implement
    initiative change changes also just even still well together group one colleague colleagues use
    uses using used say says see sees look looks need needs know knows keep keeps try paper
    framework foundational advanced practice practise us we they someone everyone anybody everybody
    yourself themselves means mean called asks ask asking want wants matter matters lot bit kind
    sort instance example rather enough much many good better best
    """.split()
    )
)

# Each line: words that may retell each other in this field.
_GROUPS = """
barrier hurdle obstacle hindrance hinder block blocker impede impediment obstruct trip stumble roadblock snag stuck
facilitator enabler helper assist lift boost ease easier favour favor lever
diverse varied variety different mixed differing various unlike many
group team committee crew circle
form build assemble create set establish together
strengthen strong grow develop foster nurture cultivate
individual person people staff member worker nurse teacher clinician colleague each personal
context setting place surroundings environment organization organisation local school clinic ward hospital site unit
ability able capability skill can competence know
opportunity chance possibility time room
motivation will want willing drive desire wish motivate
choose select pick choice decide decision selection settle
program practice policy intervention innovation thing approach
fit suit suitable match appropriate right belong
adapt adaptation alter alteration modify modification change adjust tailor reshape tweak rework
plan roadmap planning blueprint schedule
role part responsibility task job duty
goal aim objective outcome target
sustain sustainability last lasting endure maintain continue long persist alive kept
spread scale expand extend carry reach beyond further wider site
trust trusting trustworthy
relationship tie bond connection link partnership alliance connect network
perspective viewpoint view opinion angle standpoint see
power influence say authority weight clout
equity equitable fair fairness fairer just inclusive
evidence research data finding proof study
data information measure number figure metric
learn learning lesson insight
cycle round iteration loop iterative phase
improve improvement better enhance
feedback loop word report
inspire encourage motivate cheer spirit uplift energy
champion advocate supporter ally
leader leadership lead head manager steer guide
resource asset capacity means strength
knowledge know information expertise
distress stress discomfort upset uneasy strain unease
uncertain uncertainty unknown unforeseen
resilient resilience persevere perseverance tenacity grit persist carry hold
reflect think consider ponder reflection contemplate thinking pause stop
examine look explore study investigate assess assessment inquiry evaluate judge weigh appraise inspect check gauge
conversation talk discussion discuss dialogue chat speak
interview ask question
understand understanding grasp comprehend comprehension sense
problem gap need issue trouble shortfall wrong missing amiss lack
cause root reason source why origin
joint jointly together collaborative shared share side collaborate
community family patient public population neighbourhood
role-play rehearse
theory model framework
strategy tactic remedy measure
facilitate facilitating
complex complicated tangled difficult hard harder
system systemic network
begin start launch
end stop finish
watch monitor track follow eye
foresee anticipate predict ahead foresight
effect impact consequence result outcome effectiveness
gather collect capture bring draw
suggest suggestion offer propose proposal recommend advice
author writer
publish publication out release appear
certificate certification course
prepared ready readiness equipped
broad wide scope
hire recruit job post position
money fund funder finance funding joint
essence heart core
overlap blend merge
rights copyright
""".strip().splitlines()


def _group_index() -> dict[str, frozenset[str]]:
    index: dict[str, set[str]] = {}
    for line in _GROUPS:
        group = {stem(w) for w in line.split()}
        for s in group:
            index.setdefault(s, set()).update(group)
    return {s: frozenset(group) for s, group in index.items()}


_SYNONYMS = _group_index()


def synonyms(stems: frozenset[str]) -> frozenset[str]:
    """All stems that may stand for one of these."""
    return frozenset(s for own in stems for s in _SYNONYMS.get(own, ()))


# --- lists --------------------------------------------------------------------------------------------------------------

_LIST = re.compile(r"((?:[\w' -]+, ){1,9}[\w' -]+?,? (?:and|or) [\w' -]+)")
_KNOWN_ITEMS = 2  # items that stand in the passage as they are, from which on the others must too
_ITEM_WORDS = 3  # words of an item at most; more is a clause


def added_item(sentence: str, passages: str) -> bool:
    """Whether a list takes over items of a passage word by word and adds one that isn't there."""
    exact = frozenset(content_stems(passages))
    known = exact | synonyms(exact)
    for found in _LIST.findall(clean(sentence)):
        texts = [t for t in re.split(r",\s*(?:and |or )?|\s+(?:and|or)\s+", found) if t.strip()]
        items = [frozenset(content_stems(t)) - FRAME for t in texts[1:] if len(t.split()) <= _ITEM_WORDS]
        items = [i for i in items if i]
        if sum(1 for i in items if i <= exact) >= _KNOWN_ITEMS and any(not i & known for i in items):
            return True
    return False


# --- turned claims ------------------------------------------------------------------------------------------------------

_ABSOLUTE = re.compile(
    r"\b(?:always|guarantee\w*|proves?|proven|(?<!who )(?<!it )(?<!what )(?<!they )must(?! make)(?! be)|must (?:always|only|first|never|all)|mandatory|obligatory|compulsory|solely|exclusively|entirely|completely|"
    r"invariably|inevitabl\w+|without exception|in all cases|in every case|at all times|the only (?:way|thing|one|person|source)|"
    r"the most important|the best (?:way|predictor|method)|cannot fail|can't fail|sure to|eliminat\w+|perfect\w*|fully responsible|"
    r"sole\w*|is required|are required|requires|insists?|forbid\w*|under no circumstances|regardless of|no exceptions?|"
    r"impossible|alone decides?|has to be|have to be|superior|far more|outweighs?|above all else|supersedes?|replaces?)\b"
)
_NEGATED = re.compile(
    r"\b(?:not|never|no longer|n't|don't|doesn't|isn't|aren't|cannot|can't|won't|shouldn't|needn't|avoid|stop|refrain from|refuse to|fail to)\b((?: [a-z'-]+){1,3})"
)
_SOFTENED = re.compile(
    r"^ (?:just|only|merely|alone|enough|simply|always|have to|need|one|be afraid|wait|so much|in one|yet)\b"
)
_OTHERS_ACT = re.compile(
    r"\b(?:teams?|leaders?|managers?|members|partners?|champions?|communit(?:y|ies)|staff|funders?|organizations?|authors)\b"
    r"(?: \w+){0,2}? (?:helps?|supports?|guides?|encourages?|coach(?:es)?|teach(?:es)?|leads?|gives?|tells?|advises?|motivates?|"
    r"assists?|instructs?|supervises?|directs?)(?: the| an| their)? (?:isps?|(?:support )?practitioners?|you)\b"
)


def turned_claim(sentence: str, passages: str) -> str | None:
    """What kind of claim a sentence makes of a passage that doesn't: absolute, denied, or with its actors exchanged."""
    mine, theirs = clean(sentence).lower(), clean(passages).lower()
    strong = [m[0] for m in _ABSOLUTE.finditer(mine)]
    if strong and not _ABSOLUTE.search(theirs):
        return "overclaim"
    if _OTHERS_ACT.search(mine) and not _OTHERS_ACT.search(theirs):
        return "role"
    if not _TONES["negates"].search(theirs):
        said = frozenset(content_stems(theirs)) - FRAME
        for m in _NEGATED.finditer(mine):
            if not _SOFTENED.search(m[1]) and frozenset(content_stems(m[1])) & said:
                return "negation"
    return None


# --- who does it --------------------------------------------------------------------------------------------------------

_OTHERS = (
    r"(?:teams?|leaders?|managers?|members?|partners?|champions?|communit(?:y|ies)|staff|funders?|authors|people|"
    r"groups?|famil(?:y|ies)|practitioners?|nurses|teachers|schools?|directors?|decision-makers|sites?|they|he|she|who)"
)
_TO_YOU = re.compile(
    r"\b(?:helps?|helped|supports?|supporting|guides?|encourages?|coach(?:es)?|teach(?:es)?|leads?|gives?|tells?|told|advises?|"
    r"motivates?|motivated?|assists?|supervises?|directs?|asks?|asked|backs?|builds?|convinces?|persuades?|hands?|shows?|explains?|"
    r"reports?|invites?|thanks?|trains?|to|for|by|with|from|keep|keeps|and)"
    r" (?:you|yourself|the (?:support )?(?:practitioner|isp)s?|(?:support )?practitioners?|isps?|an isp)\b(?! (?:can|may|will|do|are|have|help|see|find|ask|work|lead))"
)
_OTHERS_FIRST = re.compile(
    rf"^(?:\W|when \w+|the|your|every|each|local|some|implementation|ward|audience|\w+ing){{0,4}} ?{_OTHERS}\b"
)
_YOU_ACT = re.compile(
    r"\b(?:you|isps?|practitioners?|an isp|one)(?:'ll|'d|'re)? (?:can |may |might |could |also |often |then |need to |should |must |will |would |have to )*"
    r"(?:help|support|guide|encourage|ask|talk|work|bring|build|lead|find|look|make|see|take|use|keep|plan|nudge|draw|give|get)\w*\b"
)
_OTHERS_DO = re.compile(
    rf"\b{_OTHERS} (?:also |then |alone |itself |themselves |must |should |can |may |will )*"
    r"(?:helps?|decides?|leads?|guides?|tells?|explains?|sets? up|builds?|chooses?|looks?|takes?|draws?|writes?|makes?|runs?|"
    r"picks?|deals?|plans?|applies|apply|identif\w+|motivates?|supports?|asks?|invites?|clears?|examines?|appoints?|owns?)\b"
)
_FIRST_THEN = re.compile(
    r"\b(?:first|before(?:hand)?|only then|afterwards?|after that|later|once|until|and then|comes? (?:first|last)|follows?|in the end|"
    r"finally|lastly|at the end|wait|leads? to|brings? about|led to|because|so that|causes?|results? in|the other way)\b"
)
_SWEEPING = re.compile(
    r"\b(?:every|all|always|never|no|none|nothing|nobody|any|ever|certain(?:ly)?|sure|bound to|guarantee\w*|proven?|proves?|"
    r"without (?:exception|fail)|unless|only|assured|impossible|complete\w*|entire\w*|wipes? out|eliminat\w+|will)\b"
)
_ORDERED_OFF = re.compile(
    r"\b(?:don't|do not|never|avoid|skip|leave (?:\w+ )?(?:out|aside|for)|set aside|steer clear|rather than|instead of|keep (?:\w+ )?(?:to|out|away)|"
    r"no need|needn't|stay (?:out|away)|refuse|ignore|forget|drop|stop|apart from|separate\w*|without|not)\b"
)


def actors(sentence: str, passages: str) -> dict[str, float]:
    """Who acts on whom, in what order and how sweepingly, beyond what the passages have."""
    mine, theirs = _acts(sentence), _acts(passages)
    found = {name: float(max(0, mine[name] - theirs[name])) for name in _ACTS}
    return found | {"you_act": float(mine["you_act"])}


_ACTS = {
    "to_you": _TO_YOU,
    "others_first": _OTHERS_FIRST,
    "others_do": _OTHERS_DO,
    "you_act": _YOU_ACT,
    "sequence": _FIRST_THEN,
    "sweeping": _SWEEPING,
    "ordered_off": _ORDERED_OFF,
}


@lru_cache(maxsize=2_000)
def _acts(text: str) -> dict[str, int]:
    low = clean(text).lower()
    return {name: len(pattern.findall(low)) for name, pattern in _ACTS.items()}


# --- tone ---------------------------------------------------------------------------------------------------------------

_TONES: dict[str, re.Pattern[str]] = {
    "negates": re.compile(
        r"\b(?:not|n't|no|never|nothing|none|nobody|neither|nor|cannot|hardly|irrelevant|unnecessary|needless|"
        r"pointless|useless|unimportant)\b|n't\b"
    ),
    "excludes": re.compile(
        r"\b(?:only|alone|solely|exclusively|merely|nothing but|except|exclude\w*|leav\w+ (?:\w+ ){0,3}(?:out|aside|alone|to)|"
        r"ignor\w+|avoid\w*|skip\w*|without|instead of|rather than|kept? (?:\w+ ){0,3}(?:out|apart|separate)|aside|"
        r"regardless|replac\w+|reserved|restrict\w*|limited|apart from|independent(?:ly)? of|separate(?:ly)?|"
        r"behind closed|in private|by (?:him|her|them)sel\w+|by itself|on (?:its|their|your|one's) own)\b"
    ),
    "obliges": re.compile(
        r"\b(?:must|required?|requires|requirement|mandatory|obligatory|obliged|have to|has to|needs? to|shall|should|"
        r"forbidden|prohibited|not allowed|may only|expected|always|never|exactly|strictly|at least|at most|no more|"
        r"no less|all|every|any case|guarantee\w*|ensures?|prov(?:e|es|en)|precondition|condition|provided that|prior to)\b"
    ),
    "administers": re.compile(
        r"\b(?:approv\w+|budget\w*|fee|fees|cost\w*|pay\w*|paid|salar\w+|funder\w*|grants?|stipend\w*|bonus\w*|prizes?|"
        r"award\w*|certif\w+|degree|diploma|licen[cs]\w+|exam\w*|tests?|tested|vote[sd]?|voting|ministr\w+|government\w*|"
        r"board|director\w*|executive\w*|supervisor\w*|manager\w*|senior management|accredit\w+|regulat\w+|legal\w*|"
        r"contract\w*|complian\w+|audit\w*|sign\w* off|signs|authori[sz]\w+|report\w*|publish\w*|journal|peer[- ]review\w*|"
        r"rank\w*|ratings?|scores?|scored|scoring|grad(?:es?|ed|ing)|benchmark\w*|penalt\w+|sanction\w*|disciplin\w+|"
        r"fire|fired|dismiss\w*|replace\w*|appoint\w*|hire|hires|hired|consultant\w*|vendor\w*|deadline\w*|fiscal|annual\w*|"
        r"quarter\w*|month\w*|weeks?|years?|days?|hours?|randomi[sz]ed|control group|trial|statistic\w*|quantitative|"
        r"validated|standardi[sz]ed|formal approval|patent\w*|software|app|database|algorithm\w*|survey\w*|registry|"
        r"insur\w+|tax\w*|policy[- ]makers?|academic\w*|universit\w+|phd|master's|closed?|close|shut\w*|terminat\w+|"
        r"exempt\w*|waive\w*|veto\w*|mandate\w*|enforce\w*|chair\w*|recruit\w*|salary|permission)\b"
    ),
    "hedges": re.compile(r"\b(?:may|might|can|could|perhaps|often|sometimes|partly|such as|for instance|among)\b"),
    "contrasts": re.compile(r"\b(?:not just|not only|not merely|no longer|not on its own|don't have to|doesn't have to|need not|needn't|not enough|isn't enough|more than)\b"),
    "orders": re.compile(r"\b(?:before|after|first|until|once|then|finally|last|later|afterwards|finish\w*|complete[ds]?)\b"),
}  # fmt: skip

# Opposites; a sentence that has one side where its passage has only the other turns the claim round.
_OPPOSITES = tuple(
    (frozenset(stem(w) for w in a.split()), frozenset(stem(w) for w in b.split()))
    for a, b in (
        (
            "together jointly joint shared share with collaborative collaboratively co-create both side",
            "alone solo single-handedly independently unilaterally yourself",
        ),
        ("formal", "informal informally"),
        ("include involve participant participants part", "exclude excluding leave omit"),
        ("diverse varied differ different differing", "alike same similar uniform identical homogeneous"),
        ("begin beginning early start starting before", "end final finished later after afterwards once"),
        ("more broader wider further greater", "less fewer narrower smaller"),
        ("individual individuals person", "system systems context organization organizations surroundings"),
        ("local", "national global"),
        ("adapt alter altering flexible adaptive agile", "fixed rigid unchanged fidelity strict preserve"),
        ("rounds iterative repeated again cycles ongoing continuous running", "once single one-off all-at-once"),
        ("several many multiple various", "single one sole only"),
        ("trust genuine", "distance distrust control"),
        ("encourage motivate cheer", "criticize discourage punish pressure"),
        ("question reasons think stop", "accept immediately once unquestioned"),
        ("hidden", "obvious"),
        ("strength asset strengths assets", "weakness shortcoming shortcomings deficit deficits weaknesses"),
        ("overlap", "separate distinct"),
        ("important vital essential crucial", "optional secondary unimportant irrelevant marginal"),
        ("remove clear", "keep tolerate accept"),
        ("existing already", "new scratch fresh"),
        ("feel", "ignore"),
        ("basic", "complex sophisticated"),
        ("foreseen", "unforeseen"),
        ("everybody everyone all whole", "few select leaders experts only"),
        ("spread", "scale"),
        ("persevere tenacity grit continue", "quit abandon withdraw stop"),
        ("open openly openness", "closed secret confidential"),
        ("long", "short"),
        ("upstream further", "downstream"),
        ("capacity", "compliance"),
        ("clear plainly", "vague unclear"),
        ("broad broader", "narrow specific"),
        ("harder complex", "easy simple simpler"),
        ("increase surged rise rising grown", "decrease decline fallen drop dropped shrinking"),
    )
)


@lru_cache(maxsize=2_000)
def _counts(text: str) -> dict[str, int]:
    low = clean(text).lower()
    return {name: len(pattern.findall(low)) for name, pattern in _TONES.items()}


def tone(sentence: str, passages: str) -> dict[str, float]:
    """How a sentence's tone differs from its passages': what it adds of each kind of word."""
    mine, theirs = _counts(sentence), _counts(passages)
    stems, known = set(content_stems(sentence)), set(content_stems(passages))
    turned = sum(
        1.0
        for a, b in _OPPOSITES
        for here, there in ((a, b), (b, a))
        if stems & here and known & there and not known & here
    )
    return {
        "negates": float(max(0, mine["negates"] - mine["contrasts"] - theirs["negates"])),
        "denied": float(theirs["negates"] > 0 and mine["negates"] == 0),
        "excludes": float(max(0, mine["excludes"] - theirs["excludes"])),
        "obliges": float(max(0, mine["obliges"] - theirs["obliges"])),
        "administers": float(max(0, mine["administers"] - theirs["administers"])),
        "hedges": float(mine["hedges"] > 0),
        "contrasts": float(mine["contrasts"]),
        "orders": float(max(0, mine["orders"] - theirs["orders"])),
        "turned": turned,
    }
