"""The words of SMS about requests to pay that came to nothing: each one SMS at its longest values.

That a request was paid is told with the repayment.
"""

LONGEST = {"amount": "NGN 999,999,999.99", "number": "LOAN-2026-9999999"}

SMS = {
    "collection.not_approved": {
        "en": "You did not approve the payment of {amount} for loan {number}. Nothing was taken. Dial to try again.",
        "rw": "Ntimwemeje kwishyura {amount} y'inguzanyo {number}. Nta mafaranga yavuyeho. Mwongere muhamagare.",
        "sw": "Hukuidhinisha malipo ya {amount} kwa mkopo {number}. Hakuna pesa iliyochukuliwa. Piga tena kujaribu.",
        "fr": "Vous n'avez pas validé le paiement de {amount} pour le prêt {number}. Rien n'a été pris. Rappelez.",
    },
    "collection.short_of_money": {
        "en": "Your mobile money balance or limit was too low to pay {amount} for loan {number}. Nothing was taken.",
        "rw": "Konti yanyu ntiyashoboye kwishyura {amount} y'inguzanyo {number}: amafaranga ntahagije. Nta yavuyeho.",
        "sw": "Salio au kikomo chako hakikutosha kulipa {amount} kwa mkopo {number}. Hakuna pesa iliyochukuliwa.",
        "fr": "Solde ou plafond insuffisant pour payer {amount} pour le prêt {number}. Rien n'a été pris.",
    },
    "collection.failed": {
        "en": "Your payment of {amount} for loan {number} could not be made. Please dial again to repay.",
        "rw": "Kwishyura {amount} y'inguzanyo {number} ntibyashobotse. Mwongere muhamagare mwishyure.",
        "sw": "Malipo yako ya {amount} kwa mkopo {number} hayakufanyika. Tafadhali piga tena kulipa.",
        "fr": "Votre paiement de {amount} pour le prêt {number} n'a pas pu être fait. Rappelez pour rembourser.",
    },
}
