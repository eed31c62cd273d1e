"""The names that one signs in with, usernames and email addresses: how they are written, and when two are the same."""

from contextlib import suppress

from email_validator import EmailNotValidError, validate_email


def email_address(text: str) -> str:
    """The one way in which an email address is written; raises ValueError when it is none."""
    try:
        valid = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError("is not an email address") from error
    if "." not in valid.domain or len(valid.normalized) > 254:
        raise ValueError("is not an email address")
    return valid.normalized


def folded(name: str) -> str:
    """What is the same for a username or an email address in whichever way somebody types it."""
    name = name.strip()
    if "@" in name:
        with suppress(ValueError):
            name = email_address(name)
    return name.casefold()
