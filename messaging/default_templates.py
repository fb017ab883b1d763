"""The texts that a new installation starts with; a migration copies them into the database.

Neutral on purpose: families share phones, and people show these texts to employers. Short on purpose:
each is one part with long names filled in. The Setswana is to be read by a native speaker before live use.
"""

# (key, language): text
DEFAULT_TEMPLATES: dict[tuple[str, str], str] = {
    ("reminder", "en"): (
        "Hello {name}, please come to {clinic} on {weekday} {date} at {time}. "
        "To change it, call {clinic_phone}."
    ),
    ("reminder", "tn"): (
        "Dumela {name}. Tswee-tswee tla kwa {clinic} ka {weekday} {date} ka {time}. "
        "Go fetola, leletsa {clinic_phone}."
    ),
    ("confirmation", "en"): (
        "Hello {name}, you are booked at {clinic} on {weekday} {date} at {time}. "
        "To change it, call {clinic_phone}."
    ),
    ("confirmation", "tn"): (
        "Dumela {name}. Re go beetse letsatsi kwa {clinic}: {weekday} {date} ka {time}. "
        "Go fetola, leletsa {clinic_phone}."
    ),
    ("rescheduled", "en"): (
        "Hello {name}, your visit to {clinic} has moved to {weekday} {date} at {time}. "
        "Questions? Call {clinic_phone}."
    ),
    ("rescheduled", "tn"): (
        "Dumela {name}. Letsatsi la gago kwa {clinic} le fetogile: {weekday} {date} ka {time}. "
        "Leletsa {clinic_phone}."
    ),
    ("cancelled", "en"): (
        "Hello {name}, your visit to {clinic} on {weekday} {date} is cancelled. "
        "For a new date, call {clinic_phone}."
    ),
    ("cancelled", "tn"): (
        "Dumela {name}. Letsatsi la gago kwa {clinic} ka {weekday} {date} le phimotswe. "
        "Leletsa {clinic_phone}."
    ),
    ("missed", "en"): (
        "Hello {name}, we missed you at {clinic} on {weekday} {date}. For a new date, call {clinic_phone}."
    ),
    ("missed", "tn"): (
        "Dumela {name}. Ga re a go bona kwa {clinic} ka {weekday} {date}. Tswee-tswee leletsa {clinic_phone}."
    ),
    ("low_stock", "en"): "Stock at {clinic} needs attention. Please look at the stock page.",
    ("low_stock", "tn"): "Setoko kwa {clinic} se tlhoka go lebelelwa. Tswee-tswee leba tsebe ya setoko.",
}
