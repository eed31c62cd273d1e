"""From where a request comes, as the accounts note it of a session."""

from ipaddress import ip_address

from flask import request

from auth_service.domain.sessions import Visit


def visit() -> Visit:
    """The network address and the user agent of the request."""
    agent = "".join(letter for letter in request.user_agent.string if letter.isprintable())
    return Visit(_address(), agent)


def _address() -> str:
    try:
        return str(ip_address((request.remote_addr or "").partition("%")[0]))
    except ValueError:
        return "unknown"
