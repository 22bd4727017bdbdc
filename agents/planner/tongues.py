"""Requests in another language than English: an honest answer, in that language where it is short."""

from __future__ import annotations

import re

from agents.planner.entities import MASKED
from agents.planner.times.words import listed
from backend.contracts.ports import PlanAnswer

_SAID = {
    "German": "Ohne Sprachmodell verstehe ich Aufträge nur auf Englisch.",
    "French": "Sans modèle de langue, je ne comprends les demandes qu'en anglais.",
    "Spanish": "Sin un modelo de lenguaje solo entiendo las peticiones en inglés.",
    "Italian": "Senza un modello linguistico capisco le richieste solo in inglese.",
    "Portuguese": "Sem um modelo de linguagem só entendo pedidos em inglês.",
    "Dutch": "Zonder taalmodel begrijp ik opdrachten alleen in het Engels.",
    "Polish": "Bez modelu językowego rozumiem polecenia tylko po angielsku.",
}
# small words, and words of time and work, that English does not have
_WORDS = {
    "German": (
        "der die das und ist nicht ein eine einen jeden jede jedes tag uhr um mir mich bitte "
        "schick schicke sende lies lese fass fasse zusammen wenn dann mit von auf für wie "
        "heute morgen montag dienstag mittwoch donnerstag freitag samstag sonntag erinnere "
        "daran speichere übersetze als zum zur nach jeden täglich ich es dem den im"
    ),
    "French": (
        "le les des une est pas chaque jour heures tous toutes envoie envoyer lis lire résume "
        "résumer moi avec pour dans quand puis rappelle demain lundi mardi mercredi jeudi "
        "vendredi samedi dimanche enregistre traduis et à mon ma mes du que matin soir "
        "fichier page-là par courriel je il la"
    ),
    "Spanish": (
        "el los las una es cada día todos todas envía enviar envíame lee leer resume resumir "
        "para con cuando luego recuérdame mañana lunes martes miércoles jueves viernes sábado "
        "domingo guarda traduce por favor y de la mi correo archivo horas que en hora"
    ),
    "Italian": (
        "il gli una è ogni giorno tutti invia inviami leggi leggere riassumi per con quando "
        "poi ricordami domani lunedì martedì mercoledì giovedì venerdì sabato domenica salva "
        "traduci e di la mia le ore che alle"
    ),
    "Portuguese": (
        "o os uma é cada dia todos envie enviar leia ler resuma para com quando depois lembre "
        "amanhã segunda terça quarta quinta sexta sábado domingo salve traduza e de às horas "
        "que por favor não meu minha"
    ),
    "Dutch": (
        "het een niet elke dag iedere stuur lees lezen samenvatten vat samen voor met wanneer "
        "dan herinner morgen maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
        "bewaar vertaal en van mij om uur naar de ik"
    ),
    "Polish": (
        "każdy codziennie wyślij przeczytaj streść przypomnij mi jutro i do na o godzinie "
        "zapisz jeśli nie jest poniedziałek wtorek środę czwartek piątek sobotę niedzielę "
        "plik stronę"
    ),
}
_KNOWN = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_ENGLISH = frozenset(
    listed(
        "the a an and it is to of me my every each day at on in for from with if when then send mail "
        "read save tell "
        "please page feed file summarise summarize summary that this them by them not new all as into "
        "up"
    )
)
ENGLISH_ONLY = "Without a language model I plan in English only; please say it in English."
_FEW = 2


def other_language(plain: str) -> PlanAnswer | None:
    """The answer to a request that is surely not English; None otherwise."""
    words = re.findall(r"[^\W\d_]+", MASKED.sub(" ", plain))
    if not words:
        return None
    foreign = [w for w in words if not re.match(r"[\u0000-\u024f]", w)]
    if len(foreign) * 2 > len(words):
        return PlanAnswer("question", ENGLISH_ONLY, confidence=0.2)
    english = sum(w in _ENGLISH for w in words)
    language, hits = max(
        ((name, sum(w in known for w in words)) for name, known in _KNOWN.items()),
        key=lambda found: found[1],
    )
    if hits > _FEW and hits > english and hits * 3 >= len(words):
        return PlanAnswer("question", f"{_SAID[language]} {ENGLISH_ONLY}", confidence=0.2)
    return None
