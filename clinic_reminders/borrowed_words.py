"""Words of Django and of the theme that nurses meet: our catalogue says them in Setswana too.

Nothing reads this list but the catalogue's update; what is not in it stays English.
"""

from django.utils.translation import gettext_noop, ngettext_lazy, pgettext_lazy

DAYS_AND_MONTHS = [
    *(gettext_noop("Monday"), gettext_noop("Tuesday"), gettext_noop("Wednesday"), gettext_noop("Thursday")),
    *(gettext_noop("Friday"), gettext_noop("Saturday"), gettext_noop("Sunday")),
    *(gettext_noop("Mon"), gettext_noop("Tue"), gettext_noop("Wed"), gettext_noop("Thu")),
    *(gettext_noop("Fri"), gettext_noop("Sat"), gettext_noop("Sun")),
    *(gettext_noop("January"), gettext_noop("February"), gettext_noop("March"), gettext_noop("April")),
    *(gettext_noop("May"), gettext_noop("June"), gettext_noop("July"), gettext_noop("August")),
    *(gettext_noop("September"), gettext_noop("October"), gettext_noop("November")),
    gettext_noop("December"),
    *(gettext_noop("jan"), gettext_noop("feb"), gettext_noop("mar"), gettext_noop("apr")),
    *(gettext_noop("may"), gettext_noop("jun"), gettext_noop("jul"), gettext_noop("aug")),
    *(gettext_noop("sep"), gettext_noop("oct"), gettext_noop("nov"), gettext_noop("dec")),
    *(pgettext_lazy("abbrev. month", "Jan."), pgettext_lazy("abbrev. month", "Feb.")),
    *(pgettext_lazy("abbrev. month", "March"), pgettext_lazy("abbrev. month", "April")),
    *(pgettext_lazy("abbrev. month", "May"), pgettext_lazy("abbrev. month", "June")),
    *(pgettext_lazy("abbrev. month", "July"), pgettext_lazy("abbrev. month", "Aug.")),
    *(pgettext_lazy("abbrev. month", "Sept."), pgettext_lazy("abbrev. month", "Oct.")),
    *(pgettext_lazy("abbrev. month", "Nov."), pgettext_lazy("abbrev. month", "Dec.")),
]
PAGES = [
    *(gettext_noop("Log in"), gettext_noop("Log in again"), gettext_noop("Log out")),
    *(gettext_noop("Logged out"), gettext_noop("Welcome back to"), gettext_noop("Welcome")),
    *(gettext_noop("Change password"), gettext_noop("Password change"), gettext_noop("Change my password")),
    *(gettext_noop("Your password was changed."), gettext_noop("Password change successful")),
    gettext_noop(
        "Please enter your old password, for security’s sake, and then enter your new password twice so we "
        "can verify you typed it in correctly."
    ),
    *(gettext_noop("Old password"), gettext_noop("New password"), gettext_noop("New password confirmation")),
    *(gettext_noop("Enter new password"), gettext_noop("Password"), gettext_noop("password")),
    *(gettext_noop("username"), gettext_noop("first name"), gettext_noop("last name")),
    *(gettext_noop("email address"), gettext_noop("active"), gettext_noop("date joined")),
    *(gettext_noop("last login"), gettext_noop("user"), gettext_noop("users"), gettext_noop("User")),
    *(gettext_noop("Home"), gettext_noop("Save"), gettext_noop("Save and add another")),
    *(gettext_noop("Save and continue editing"), gettext_noop("Save and view"), gettext_noop("Cancel")),
    *(gettext_noop("Delete"), gettext_noop("Add"), gettext_noop("Change"), gettext_noop("View")),
    *(
        gettext_noop("Add %(name)s"),
        gettext_noop("Add %s"),
        gettext_noop("Change %s"),
        gettext_noop("View %s"),
    ),
    *(gettext_noop("Select %s"), gettext_noop("Select %s to change"), gettext_noop("Select %s to view")),
    *(gettext_noop("History"), gettext_noop("Close"), gettext_noop("Remove"), gettext_noop("Go back")),
    *(gettext_noop("Search"), gettext_noop("Type to search"), gettext_noop("Filters")),
    *(gettext_noop("Filter"), gettext_noop("Apply Filters"), gettext_noop("Reset filters")),
    *(
        gettext_noop("Clear all filters"),
        gettext_noop("Clear selection"),
    ),
    *(gettext_noop(" By %(filter_title)s "), gettext_noop("All"), gettext_noop("Yes"), gettext_noop("No")),
    *(gettext_noop("Unknown"), gettext_noop("Today"), gettext_noop("Past 7 days")),
    *(gettext_noop("This month"), gettext_noop("This year"), gettext_noop("Any date")),
    *(gettext_noop("Date"), gettext_noop("Time"), gettext_noop("Date:"), gettext_noop("Time:")),
    *(gettext_noop("Date/time"), gettext_noop("From"), gettext_noop("To"), gettext_noop("Value")),
    *(gettext_noop("Date from"), gettext_noop("Date to"), gettext_noop("Next"), gettext_noop("Previous")),
    *(gettext_noop("Show all"), gettext_noop("No results found"), gettext_noop("No data")),
    *(gettext_noop("No results matching your query"), gettext_noop("Run"), gettext_noop("Submit")),
    *(gettext_noop("Action"), gettext_noop("More actions"), gettext_noop("Select action")),
    *(gettext_noop("Run the selected action"), gettext_noop("No action selected.")),
    gettext_noop("Items must be selected in order to perform actions on them. No items have been changed."),
    *(gettext_noop("Yes, I’m sure"), gettext_noop("No, take me back"), gettext_noop("None")),
    *(gettext_noop("Select all rows"), gettext_noop("Toggle sorting"), gettext_noop("Remove from sorting")),
    *(gettext_noop("Select all objects on this page for an action"), gettext_noop("Choose file to upload")),
    *(gettext_noop("Click here to select the objects across all pages"), gettext_noop("Expand row")),
    *(
        gettext_noop("Toggle password visibility"),
        gettext_noop("Select value"),
        gettext_noop("Select record"),
    ),
    *(gettext_noop("Light"), gettext_noop("Dark"), gettext_noop("System"), gettext_noop("General")),
    *(gettext_noop("Currently"), gettext_noop("Currently:"), gettext_noop("Change:"), gettext_noop("Clear")),
    *(gettext_noop("Loading more results...")),
    *(gettext_noop("The {name} “{obj}” was added successfully."), gettext_noop("and"), gettext_noop("or")),
    gettext_noop("The {name} “{obj}” was changed successfully."),
    gettext_noop("The %(name)s “%(obj)s” was deleted successfully."),
    gettext_noop("%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?"),
    ngettext_lazy("%(counter)s result", "%(counter)s results"),
    ngettext_lazy("Please correct the error below.", "Please correct the errors below."),
    *(gettext_noop("Change selected %(model)s"), gettext_noop("Add another %(model)s")),
    *(gettext_noop("Delete selected %(model)s"), gettext_noop("View selected %(model)s")),
    *(gettext_noop("%(full_result_count)s total"), gettext_noop("0 of %(cnt)s selected")),
    ngettext_lazy("%(total_count)s selected", "All %(total_count)s selected"),
    gettext_noop("You don’t have permission to view or edit anything."),
    gettext_noop(
        "You are authenticated as %(username)s, but are not authorized to access this page. Would you like "
        "to login to a different account?"
    ),
    gettext_noop("You have been successfully logged out from the administration"),
]
FORMS = [
    *(gettext_noop("This field is required."), gettext_noop("This field cannot be blank.")),
    *(gettext_noop("This field cannot be null."), gettext_noop("Enter a valid value.")),
    *(
        gettext_noop("Enter a whole number."),
        gettext_noop("Enter a number."),
        gettext_noop("Enter a valid date."),
    ),
    *(gettext_noop("Enter a valid time."), gettext_noop("Enter a valid date/time.")),
    *(gettext_noop("Enter a valid email address."), gettext_noop("No file was submitted.")),
    gettext_noop("The submitted file is empty."),
    gettext_noop("Select a valid choice. That choice is not one of the available choices."),
    gettext_noop("Select a valid choice. %(value)s is not one of the available choices."),
    gettext_noop("Value %(value)r is not a valid choice."),
    gettext_noop("%(model_name)s with this %(field_label)s already exists."),
    gettext_noop("%(model_name)s with this %(field_labels)s already exists."),
    gettext_noop("Ensure this value is less than or equal to %(limit_value)s."),
    gettext_noop("Ensure this value is greater than or equal to %(limit_value)s."),
    gettext_noop("Null characters are not allowed."),
    ngettext_lazy(
        "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
    ),
    ngettext_lazy(
        "Ensure this value has at least %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at least %(limit_value)d characters (it has %(show_value)d).",
    ),
    gettext_noop(
        "Please enter the correct %(username)s and password for a staff account. Note that both fields may "
        "be case-sensitive."
    ),
    gettext_noop("This account is inactive."),
    gettext_noop("The two password fields didn’t match."),
    gettext_noop("Your old password was entered incorrectly. Please enter it again."),
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
    ngettext_lazy(
        "Your password must contain at least %(min_length)d character.",
        "Your password must contain at least %(min_length)d characters.",
    ),
    *(gettext_noop("This password is too common."), gettext_noop("This password is entirely numeric.")),
    gettext_noop("The password is too similar to the %(verbose_name)s."),
    gettext_noop("Your password can’t be too similar to your other personal information."),
    gettext_noop("Your password can’t be a commonly used password."),
    gettext_noop("Your password can’t be entirely numeric."),
]
