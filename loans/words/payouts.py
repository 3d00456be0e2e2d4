"""Where the payout of a loan stands."""

LONGEST = {
    "disbursed": "NGN 99,999,999.99",
    "amount": "NGN 99,999,999.99",
    "day": "31/12/2026",
    "number": "LOAN-2026-999999",
}

SMS = {
    "loan.paid": {
        "en": "You got {disbursed}, loan {number}. Repay {amount} by {day}. Thank you.",
        "rw": "Mwahawe {disbursed}, inguzanyo {number}. Mwishyure {amount} bitarenze {day}. Murakoze.",
        "sw": "Umepokea {disbursed}, mkopo {number}. Lipa {amount} kufikia {day}. Asante.",
        "fr": "Vous avez reçu {disbursed}, prêt {number}. Remboursez {amount} avant le {day}. Merci.",
    },
    "loan.payout_failed": {
        "en": "We could not yet send {disbursed} of your loan {number}. We are looking into it; you owe nothing yet.",
        "rw": "Ntiturabasha kohereza {disbursed} y'inguzanyo {number}. Turimo kubikurikirana; nta deni murafata.",
        "sw": "Bado hatujaweza kutuma {disbursed} ya mkopo {number}. Tunashughulikia; bado hudaiwi chochote.",
        "fr": "Nous n'avons pu encore envoyer {disbursed} du prêt {number}. Nous y travaillons; vous ne devez rien.",
    },
    "loan.payout_cancelled": {
        "en": "Your loan {number} of {amount} was cancelled. You owe nothing for it. Please contact customer care.",
        "rw": "Inguzanyo yanyu {number} ya {amount} yahagaritswe. Nta deni mufite. Mwabaza ishami ry'abakiriya.",
        "sw": "Mkopo wako {number} wa {amount} umefutwa. Hudaiwi chochote. Wasiliana na huduma kwa wateja.",
        "fr": "Votre prêt {number} de {amount} est annulé. Vous ne devez rien. Contactez le service client.",
    },
}
