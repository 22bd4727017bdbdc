"""How people say an act, one family of verbs each: data only. Read by frames.py, which decides by what
stands around a verb; the same verb may be in several families."""

from __future__ import annotations


def _of(words: str) -> str:
    """The verbs as one alternative of a pattern, the longest first; "_" stands for blanks."""
    listed = sorted(words.split(), key=len, reverse=True)
    return "(?:" + "|".join(word.replace("_", r"\s+") for word in listed) + ")"


# something is put where it stays
KEEP = _of(
    "stash stick chuck pop dump file park stow tuck squirrel drop throw toss shove put place pipe "
    "stuff deposit bung "
    "plonk keep store archive back_up mirror preserve capture record persist download collect gather "
    "hold cache pin paste lay drag load transfer write_out spit"
)
# something is put behind what is there
ADD = _of(
    "add append attach tack pop stick jot scribble note log record write enter put drop throw "
    "chuck paste "
    "tag list"
)
# something reaches somebody
SEND = _of(
    "send mail e-mail email shoot fire fling pop forward hand pass relay get bring ship dispatch "
    "transmit deliver toss "
    "throw beam sling share drop slide chuck route transfer submit turn_in show give return report push "
    "distribute circulate direct redirect"
)
# somebody is told
TELL = _of(
    "tell inform advise update notify alert warn message brief remind text write_to write mail "
    "e-mail email"
)
# the person is called to
CALL = _of(
    "holler yell shout scream bug nag pester prod buzz ping poke nudge hound flag signal beep "
    "hassle bother badger tap jog "
    "alarm hit_up msg dm pm tip_off"
)
# what is given to the person who is called to
SIGNAL = (
    r"(?:(?:quick|short|little|friendly|gentle|loud|big)\s+)*(?:shout(?:[\s-]?out)?|nudge|"
    r"heads[\s-]?up|buzz|poke|ping|hint|sign|"
    r"signal|warning|holler|yell|reminder|prod|alert|tick|notice|kick|alarm|notification|tip|word)"
)
# a page or data is looked at
LOOK = (
    r"(?:keep\s+(?:an?\s+)?(?:close\s+|watchful\s+)?(?:eye|watch|tabs?|lookout)\s+(?:on|over|for)|"
    r"keep\s+track\s+of|"
    r"(?:have|take|cast)\s+(?:a\s+|another\s+)?(?:quick\s+|close\s+|short\s+)?(?:look|peek|glance|"
    r"gander)\s+(?:at|into|through)|"
    r"peek\s+(?:at|into)|glance\s+at|check\s+(?:up|in)\s+on|look\s+in\s+on|peruse|eyeball|"
    r"skim(?:\s+through)?|"
    r"(?:go|run|leaf|read|look)\s+(?:over|through))"
)
FETCH = (
    r"(?:nab|snag|scoop(?:\s+up)?|(?:load|pull|bring|call|open|fetch)\s+(?:up|down|in)|get\s+"
    r"hold\s+of|(?:go|hop|head|pop|"
    r"jump|nip)\s+(?:over\s+)?(?:to|on(?:to)?)|navigate\s+to|browse(?:\s+to)?|surf\s+to|access|import)"
)
# an address is called, whatever it gives back
REQUEST = (
    r"(?:curl|wget|hit|poll|query|ping|call|trigger|request|fire(?:\s+off)?|kick\s+off|"
    r"invoke|knock\s+on)"
)
METHOD = r"(?:post|put|patch|delete|get|head|options)"
# a part is taken out of a whole
EXTRACT = _of(
    "fish dig pick pull tease scrape filter sieve lift weed single ferret get take find copy list "
    "hunt note draw"
)
# something that was not there before is thought of
COMPOSE = (
    r"(?:(?:knock|whip|cook|rustle|dream|draw|make|think|write|draft)\s+up|(?:put|throw|bash)\s+"
    r"together|come\s+up\s+with|think\s+of|"
    r"compose|pen|formulate|phrase|produce|prepare|create|devise|brainstorm|jot\s+down)"
)
# a text is made shorter
SHORTEN = _of(
    "boil cut strip slim whittle break pare trim squeeze shrink reduce compress squash narrow "
    "water distil distill"
)
TRANSLATE = _of("turn put bring get render convert change make give show have switch")
DROP = (
    r"(?:scrap|ditch|axe|kill|lose|nix|bin|chuck(?:\s+out)?|(?:get\s+)?rid\s+of|do\s+away\s+"
    r"with|(?:throw|kick|cross|strike|toss)\s+out|eliminate)"
)
# what a model is asked to think of
GENRE = (
    r"(?:poems?|stor(?:y|ies)|haikus?|limericks?|jokes?|rhymes?|songs?|ideas?|topics?|tips?|"
    r"names?|slogans?|questions?|quiz(?:zes)?|"
    r"exercises?|examples?|reasons?|facts?|captions?|hashtags?|titles?|headlines?|greetings?|"
    r"wishes|toasts?|speech(?:es)?|blurbs?|"
    r"flash\s?cards?|outlines?|paragraphs?|essays?|recipes?|riddles?|prompts?|suggestions?|"
    r"arguments?|explanations?|text|letter|"
    r"invitation|invite|thank[\s-]you(?:\s+note)?|apology|announcement|description|bio|pitch|rhyme)"
)
FORGET = (
    r"(?:(?:don't|do\s+not|never|dont)\s+let\s+(?P<who>me|us)\s+forget|make\s+sure\s+(?:that\s+"
    r")?(?P<who2>i|we)\s+(?:don't|do\s+not|dont|never)"
    r"\s+forget|(?:make\s+sure|see\s+to\s+it)\s+(?:that\s+)?(?P<who3>i|we)\s+remember|help\s+"
    r"(?P<who4>me|us)\s+(?:to\s+)?remember|"
    r"keep\s+reminding\s+(?P<who5>me|us)|(?P<who6>i|we)\s+(?:must|should|may|can|dare)(?:\s+not|"
    r"n't)\s+forget|"
    r"jog\s+(?P<who7>my|our)\s+memory)"
)
TONGUES = (
    r"(?:arabic|bulgarian|chinese|croatian|czech|danish|dutch|english|estonian|finnish|french|"
    r"german|greek|"
    r"hebrew|hindi|hungarian|irish|italian|japanese|korean|latin|latvian|lithuanian|norwegian|polish|"
    r"portuguese|romanian|russian|serbian|slovak|slovenian|spanish|swedish|turkish|ukrainian|vietnamese)"
)
