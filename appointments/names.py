import unicodedata

NAME_KEY_LENGTH = 120


def name_key(name: str) -> str:
    """The name as identity compares it, case and spacing aside; at most 120 characters."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # Folding can lengthen a name ("ß" is "ss").
    return " ".join(folded.split())[:NAME_KEY_LENGTH].rstrip()
