"""Reminders of loans that are owed."""

LONGEST = {"amount": "NGN 999,999,999.99", "number": "LOAN-2026-9999999", "day": "31/12/2026"}

SMS = {
    "loan.due_soon": {
        "en": "Your loan {number} is due on {day}. You owe {amount}. Dial the loan code and choose Repay.",
        "rw": "Inguzanyo yanyu {number} igomba kwishyurwa bitarenze {day}. Musigaje {amount}. Hamagara kode uhitemo "
        "Kwishyura.",
        "sw": "Mkopo wako {number} unatakiwa kulipwa kufikia {day}. Unadaiwa {amount}. Piga msimbo wa mkopo uchague "
        "Lipa.",
        "fr": "Votre prêt {number} est à rembourser le {day}. Reste {amount}. Composez le code et choisissez "
        "Rembourser.",
    },
    "loan.due_today": {
        "en": "Your loan {number} is due today. You owe {amount}. Dial the loan code and choose Repay.",
        "rw": "Inguzanyo yanyu {number} igomba kwishyurwa uyu munsi. Musigaje {amount}. Hamagara kode uhitemo "
        "Kwishyura.",
        "sw": "Mkopo wako {number} unatakiwa kulipwa leo. Unadaiwa {amount}. Piga msimbo wa mkopo uchague Lipa.",
        "fr": "Votre prêt {number} est à rembourser aujourd'hui. Reste {amount}. Composez le code et choisissez "
        "Rembourser.",
    },
    "loan.overdue": {
        "en": "Your loan {number} was due on {day}. You still owe {amount}. Repay now to keep your credit score.",
        "rw": "Inguzanyo yanyu {number} yagombaga kwishyurwa {day}. Musigaje {amount}. Ishyura ubu ugumane amanota "
        "yawe.",
        "sw": "Mkopo wako {number} ulitakiwa kulipwa {day}. Bado unadaiwa {amount}. Lipa sasa kulinda alama zako.",
        "fr": "Votre prêt {number} était dû le {day}. Il reste {amount}. Remboursez pour garder votre score.",
    },
}
