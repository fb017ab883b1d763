from clinic_reminders.formats.en.formats import *  # noqa: F403

# As in English, which people here write numbers and dates after.
DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
YEAR_MONTH_FORMAT = "F Y"
MONTH_DAY_FORMAT = "j F"
