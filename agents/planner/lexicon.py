"""How people name the work of the shipped tools: data only. Tools it does not know are found by
retrieval, and their arguments filled by their schemas alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from backend.contracts.tools import ToolSpec

# where in a sentence's work a tool stands: things come in, are changed, go out
Stage = Literal["source", "change", "ask", "out"]
STAGES: tuple[Stage, ...] = ("source", "change", "ask", "out")

_GETTERS = (
    "read fetch get check load watch follow pull grab take open visit scrape download retrieve look"
    " go scan monitor collect crawl see gather merge combine join sort order"
)


@dataclass(frozen=True, slots=True)
class Word:
    """What is said about a tool: its stage, its step's name, its nouns, what it does, in the third
    person with {args}, the short noun its result has in a title, and how its step is dropped."""

    stage: Stage
    step: str
    nouns: tuple[str, ...] = ()
    does: str = ""
    title: str = ""
    way: str = ""
    verbs: str = ""
    # further words in which people speak of its work
    said: str = ""


WORDS: dict[str, Word] = {
    "feed.read": Word(
        "source",
        "fetch",
        ("feed", "feeds", "entries", "news", "headlines", "posts", "stories", "articles", "items"),
        "reads the feed {url}",
        "feed",
        verbs=_GETTERS,
        said="last past hours rss atom entry item post story article headline list",
    ),
    "web.read": Word(
        "source",
        "read_page",
        ("page", "article", "site", "website", "post", "text", "story"),
        "reads the page {url}",
        "page",
        verbs=_GETTERS,
    ),
    "http.get": Word(
        "source",
        "get",
        ("response", "api", "json", "data", "body"),
        "gets {url}",
        "data",
        verbs=_GETTERS + " call request ping query",
    ),
    "http.request": Word(
        "out",
        "post",
        ("request", "webhook"),
        "sends it to {url}",
        "",
        "to a web address",
        verbs="post send put patch push call delete tell notify inform",
        said="http api endpoint",
    ),
    "file.read": Word(
        "source",
        "open",
        ("file", "content", "notes"),
        "reads the file {path}",
        "file",
        verbs=_GETTERS,
    ),
    "file.list": Word(
        "source",
        "list_files",
        ("files", "list"),
        "lists the files",
        "list of files",
        verbs="list show see",
        said="folder folders documents",
    ),
    "text.summarize": Word(
        "change",
        "digest",
        ("summary", "digest", "summaries", "gist"),
        "summarises it",
        "summary",
        verbs="summarise summarize summary summarising digest condense shorten recap turn make",
        said="sum tldr short brief quick boil gist key main points highlights takeaways bullet "
        "bullets notes "
        "version overview nutshell essence",
    ),
    "text.extract": Word(
        "change",
        "extract",
        ("data", "extract", "results", "addresses", "links", "dates"),
        "extracts data from it",
        "extract",
        verbs="extract pull pick collect find get gather grab list",
    ),
    "llm.complete": Word(
        "change",
        "write",
        ("text", "answer", "translation", "draft", "result"),
        "asks the model",
        "text",
        verbs="translate write compare contrast describe review answer decide judge draft turn "
        "convert make compose generate correct fix improve polish simplify proofread edit rework reword "
        "reformat expand lengthen tell invent come think "
        "prepare pen formulate devise brainstorm produce give get find "
        "work figure calculate compute is are does do has have who when where why how",
    ),
    "json.query": Word(
        "change",
        "query",
        ("result", "titles", "links"),
        "picks from the data",
        "selection",
        verbs="query keep pick take filter sort list",
        said="json jmespath field value data part",
    ),
    "watch.changed": Word(
        "change",
        "compare",
        ("changes", "change", "difference", "differences", "updates"),
        "looks what is different from last time",
        "changes",
        verbs="compare watch monitor",
        said="new changed different updated since time",
    ),
    "file.append": Word(
        "out",
        "add",
        ("file", "log"),
        "adds it to {path}",
        "",
        "to {path}",
        verbs="append add save file log note jot write",
    ),
    "file.write": Word(
        "out",
        "save",
        ("file", "copy"),
        "saves it to {path}",
        "",
        "to {path}",
        verbs="save saving file store write",
    ),
    "email.send": Word(
        "out",
        "send",
        ("mail", "email", "e-mail", "message", "inbox", "mailbox"),
        "mails it to {to}",
        "",
        "by mail",
        verbs="mail email e-mail mailing send sending forward deliver write drop shoot tell "
        "inform notify update reply",
        said="sender",
    ),
    "notify.user": Word(
        "out",
        "tell",
        ("message", "notification", "chat"),
        "posts it in the chat",
        "",
        "in the chat",
        verbs="notify tell notification alert warn nudge poke text ping inform remind message show "
        "display print post "
        "read",
        said="know say",
    ),
    "human.ask": Word(
        "ask",
        "ask",
        ("question", "answer", "choice"),
        "asks you",
        "answer",
        verbs="ask question asking",
    ),
    "wait.until": Word("ask", "wait", ("wait", "pause"), "waits", "", verbs="wait pause waiting"),
}

# which tool brings in what stands in the words, when no step takes it as it is
READERS = (("file", "file.read"), ("url", "web.read"))
FEED_WORDS = re.compile(r"\b(?:feeds?|rss|atom|headlines)\b")
FEED_URL = re.compile(
    r"(?:\.(?:rss|atom|xml|rdf)(?:$|[?#])|/(?:rss|feeds?|atom)(?:$|[/?#.])|"
    r"//(?:feeds?|rss)\.|[?&]format=(?:rss|atom))",
    re.I,
)
DATA_URL = re.compile(r"(?:\.json(?:$|[?#])|//api\.|/api/)", re.I)

CONTENT_NAMES = (
    "text",
    "content",
    "body",
    "material",
    "data",
    "message",
    "input",
    "document",
    "value",
    "markdown",
    "html",
    "items",
    "source",
)
RESULT_NAMES = (
    "summary",
    "text",
    "entries",
    "answer",
    "content",
    "result",
    "results",
    "data",
    "body",
    "items",
    "files",
    "output",
    "value",
)
ADDRESS_NAMES = frozenset({"url", "uri", "link", "href", "address", "endpoint", "website"})
RECIPIENT_NAMES = frozenset({"to", "recipient", "recipients", "email", "cc", "bcc"})
PATH_NAMES = frozenset({"path", "file", "filename", "file_name"})

# words that carry no work of their own
FILLER = frozenset(
    re.findall(
        r"[\w'-]+",
        """a about above after again all also an and any anything are as at back be been both but by
        can could day did do does doing done else everything few for from latest newest recent top get give go
        going gonna got had has have he her here him his how i i'd i'll i'm i've if in into is it
        it's its itself just kindly let let's like ll make makes making may me mine more most much
        my myself need needs new no now of off on once one only onto or other our out over own per
        perhaps please plan pls put result results right same say see set she should so some
        something soon start still such sure take task than thank thanks that that's the their them
        themselves then there these they thing things this those through time to too under until up
        upon us use using very via wait want wanted was way we were what when where which while who
        will with within without would yes you your yours create build automate automation workflow
        schedule scheduled run job automatically lightning hi hello hey ok okay well able whole
        content contents following there'd come comes contained found available finally first next
        afterwards later than ready finished complete result output outcome named called together maybe
        perhaps thinking whats bit u ur forget""",
    )
)

LIMIT_NAMES = frozenset({"limit", "count", "max_results", "top", "n", "max_items"})
LIMITED = frozenset(
    {"entries", "items", "articles", "stories", "posts", "results", "news", "headlines"}
)

# what may begin a piece of work, beside the verbs in the tools' own words
VERBS = frozenset(
    re.findall(
        r"[\w-]+",
        """add alert analyse analyze append archive ask boil book buy call check choose classify
        collect combine compare compose condense convert copy count crawl create decide delete
        deliver digest display do download draft drop e-mail email explain export extract fetch
        filter find follow forward gather generate get give go grab inform jot keep let list load log
        look mail make merge message monitor move notify nudge poke text correct fix improve polish
        simplify edit open order paraphrase pause pick ping play
        post prepare print proofread publish pull put query rank rate read recap record remind
        remove repeat rephrase report request retrieve rewrite run save scan scrape search see send
        share shorten show sleep sort store sum summarise summarize take tell translate try turn
        tweet update upload use visit wait warn watch write note scribble prepare pen
        formulate devise brainstorm produce attach""",
    )
)
_NO_VERBS = frozenset({"the", "a", "an", "my", "what", "any", "when", "one", "which", "then"})


def verbs(specs: Iterable[ToolSpec]) -> frozenset[str]:
    """Words that may begin a piece of work: ours, and those with which tools describe themselves."""
    found: set[str] = set(VERBS)
    for spec in specs:
        for line in (spec.name, *spec.examples, spec.description, spec.id.rsplit(".", 1)[-1]):
            found |= set(re.findall(r"[a-z][a-z-]+", line.lower())[:1])
    return frozenset(found - _NO_VERBS)
