"""The words of SMS about promotions: each one SMS at its longest values."""

# What `ledger.money.format_amount` gives at its longest for a single code.
LONGEST = {"amount": "RWF 999,999,999.99", "code": "WWWW"}

SMS = {
    "promo.paid": {
        "en": "You have been paid {amount} for your promo code {code}... Thank you for taking part.",
        "rw": "Mwishyuwe {amount} kuri kode yanyu ya promosiyo {code}... Murakoze kwitabira.",
        "sw": "Umelipwa {amount} kwa msimbo wako wa promosheni {code}... Asante kwa kushiriki.",
        "fr": "Vous avez été payé {amount} pour votre code promo {code}... Merci de votre participation.",
    },
    "promo.payment_failed": {
        "en": "We could not yet pay {amount} for your code {code}... Your code is safe and we are "
        "looking into it. Please do not share it.",
        "rw": "Ntitwashoboye kwishyura {amount} kuri kode yanyu {code}... Kode yanyu ntiyatakaye, "
        "turimo kubikurikirana.",
        "sw": "Hatujaweza kulipa {amount} kwa msimbo wako {code}... Msimbo wako uko salama na "
        "tunashughulikia jambo hili.",
        "fr": "Nous n'avons pas encore pu payer {amount} pour votre code {code}... Votre code reste "
        "valable, nous y travaillons.",
    },
    "promo.payment_cancelled": {
        "en": "The payment of {amount} for your code {code}... was stopped. Please contact customer care.",
        "rw": "Kwishyura {amount} kuri kode yanyu {code}... byahagaritswe. Mwabaza ishami rishinzwe abakiriya.",
        "sw": "Malipo ya {amount} kwa msimbo wako {code}... yamesimamishwa. Tafadhali wasiliana na huduma kwa wateja.",
        "fr": "Le paiement de {amount} pour votre code {code}... est annulé. Contactez le service client.",
    },
}
