"""What people ask for, and what tools do: words for acts, in general English. Data only."""

from __future__ import annotations


def of_words(words: str) -> frozenset[str]:
    return frozenset(words.split())


ACTS: dict[str, str] = {
    "cancel": (
        "cancel cancellation cancelling canceling cancelled canceled revoke withdraw annul undo"
        " unsubscribe"
    ),
    "delete": "delete remove del erase deletion clear discard drop uninstall",
    "change": (
        "change modify modification modifying update updating edit adjust adjustment adjusting readjust"
        " alter revise correct amend reschedule rescheduling upgrade postpone replace switch changing"
        " rename move extend increase"
    ),
    "look": (
        "query inquire inquiry inquiring enquire enquiry check checking find finding finder search"
        " searching look lookup view see know tell track tracking tracker show display list monitor"
        " fetch obtain get browse discover locate read retrieve retrieval verify"
    ),
    "book": (
        "book booking reserve reservation reserving appointment arrange rent rental hire schedule"
        " scheduling order ordering reservations"
    ),
    "create": (
        "create creating creation creator make making add adding set setting build generate generator"
        " generation generating draft write writing compose record new produce open establish insert"
        " append save"
    ),
    "send": "send sending notify notification email mail inform forward message sms",
    "share": "share sharing publish post",
    "pay": "pay payment paying repay repayment checkout settle recharge charge",
    "buy": "buy purchase purchasing buying procurement shop shopping acquire",
    "sell": "sell sale selling",
    "login": "login log logging sign signin",
    "logout": "logout",
    "compare": "compare comparison contrast",
    "calculate": "calculate calculator calculation calculating compute computing estimate",
    "convert": "convert conversion converter converting exchange translate translation translating",
    "recommend": "recommend recommendation recommender recommending suggest suggestion advice advise",
    "analyze": (
        "analyze analyse analysis analyzing evaluate evaluation assess predict predictor forecast"
        " forecasting summarize"
    ),
    "plan": "plan planning planner organize organizing organization",
    "play": "play playback playing listen watch player",
    "compress": "compress compression zip archive archiving",
    "confirm": "confirm confirmation confirming validate validation",
    "apply": "apply application applying register registration enroll enrol submit file",
    "control": "control manage management turn",
    "transfer": "transfer remittance transferring deliver delivery ship wire remit",
    "call": "call phone dial",
    "complain": "complain complaint",
    "import": "import upload",
    "export": "export download",
    "sort": "sort sorting",
    "merge": "merge combine",
    "remind": "remind reminder",
    "print": "print",
    "encrypt": "encrypt encryption decrypt",
    "execute": "execute run launch",
    "attend": "attend join",
    "consult": "consult consultation",
    "select": "select choose pick selection",
}
# acts that undo or alter what is there: a tool for them is never meant unasked
ALTERING = ("cancel", "delete", "change")
# acts that want to know first what there is
WANTS_LOOK = ("book", "buy", "apply", "pay")

# verbs that begin a piece of work, beside the acts
VERBS = of_words(
    "activate answer append apply approve assist attach attend block blur bring call caption choose classify"
    " clean close code collect complete conduct cook count crop deactivate debug decide decline deploy"
    " deposit describe design detect develop direct disable discuss do download draw drive drop earn edit"
    " enable enroll enrol ensure explain extract fetch file fill filter finish fire fix follow format gather"
    " give go come grant guide handle have hear highlight hire hold host identify initiate inspect install"
    " instruct invest issue join keep launch lay learn lend load lock mark match measure mute name navigate"
    " note observe obtain offer open operate organise organize outline paraphrase park perform pick place"
    " plot point prepare present process produce provide publish put raise rank rate reach recall receive"
    " refer refund reject relocate render renew replace reply resolve return rotate route save scan secure"
    " see sell separate serve ship simplify skip solve speak split start stop store stream subscribe suggest"
    " supply support take teach test top trace trade train transcribe transform trim try turn type unblock"
    " uninstall unlock upload visit visualize walk warn wash watch withdraw work wrap zip borrow read listen"
    " announce act ask"
)
# verbs that are as often things: "an e-mail", "the order"
THINGS_TOO = of_words(
    "email phone file order record message sms name address number list display review archive contact call"
    " text book mail note issue offer process rate route ship store stream work support test train track"
    " report date time need"
)
