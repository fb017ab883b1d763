"""How dates and times are written and read, by language; Django's English ones are American."""

DATE = "j M Y"
TIME = "H:i"
# A browser's date field gives the first of each; the rest is what people in Botswana type.
DATES_TYPED = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"]
TIMES_TYPED = ["%H:%M:%S", "%H:%M"]
MOMENTS_TYPED = [f"{day} {time}" for day in DATES_TYPED for time in TIMES_TYPED] + DATES_TYPED
