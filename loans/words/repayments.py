"""The words of SMS about repayments: each one SMS at its longest values."""

LONGEST = {
    "amount": "NGN 99,999,999.99",
    "left": "NGN 99,999,999.99",
    "held": "NGN 99,999,999.99",
    "number": "LOAN-2026-999999",
    "day": "31/12/2026",
}

SMS = {
    "loan.partly_repaid": {
        "en": "We received {amount} for loan {number}. You still owe {left}, due on {day}. Thank you.",
        "rw": "Twakiriye {amount} y'inguzanyo {number}. Musigaje {left}, bitarenze {day}. Murakoze.",
        "sw": "Tumepokea {amount} kwa mkopo {number}. Bado unadaiwa {left}, kufikia {day}. Asante.",
        "fr": "Nous avons reçu {amount} pour le prêt {number}. Reste {left}, avant le {day}. Merci.",
    },
    "loan.repaid_in_full": {
        "en": "We received {amount}. Your loan {number} is repaid in full. Thank you.",
        "rw": "Twakiriye {amount}. Inguzanyo {number} yishyuwe yose. Murakoze.",
        "sw": "Tumepokea {amount}. Mkopo wako {number} umelipwa wote. Asante.",
        "fr": "Nous avons reçu {amount}. Votre prêt {number} est remboursé. Merci.",
    },
    "loan.overpaid": {
        "en": "We received {amount}. Loan {number} is repaid and we hold {held} of yours for your next loan.",
        "rw": "Twakiriye {amount}. Inguzanyo {number} yishyuwe yose; tubabikiye {held} y'inguzanyo itaha.",
        "sw": "Tumepokea {amount}. Mkopo {number} umelipwa; tunakuwekea {held} kwa mkopo ujao.",
        "fr": "Nous avons reçu {amount}. Le prêt {number} est remboursé; nous gardons {held} pour votre prochain prêt.",
    },
    "loan.credit_used": {
        "en": "We used {amount} you had overpaid for loan {number}. You still owe {left}.",
        "rw": "Twakoresheje {amount} mwari mwarishyuye arenga ku nguzanyo {number}. Musigaje {left}.",
        "sw": "Tumetumia {amount} uliyolipa zaidi kwa mkopo {number}. Bado unadaiwa {left}.",
        "fr": "Nous avons utilisé {amount} payés en trop pour le prêt {number}. Reste {left}.",
    },
    "loan.repayment_reversed": {
        "en": "Your payment of {amount} for loan {number} was taken back. You now owe {left} on it.",
        "rw": "Ubwishyu bwa {amount} ku nguzanyo {number} bwasubijwe inyuma. Ubu musigaje {left}.",
        "sw": "Malipo yako ya {amount} kwa mkopo {number} yamerudishwa. Sasa unadaiwa {left}.",
        "fr": "Votre paiement de {amount} pour le prêt {number} a été annulé. Vous devez maintenant {left}.",
    },
}
