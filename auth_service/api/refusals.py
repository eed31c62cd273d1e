"""What the accounts refuse, as status and slug."""

from auth_service.domain.accounts import Taken, UnknownUser
from auth_service.domain.passwords import TooManyAtOnce
from auth_service.domain.sessions import UnknownSession
from auth_service.domain.signin import WrongPair, WrongPassword
from auth_service.domain.tokens import UnknownToken
from chassis.problems import Refusals

REFUSALS: Refusals = {
    Taken: (409, "taken"),
    TooManyAtOnce: (503, "busy"),
    UnknownSession: (404, "not-found"),
    UnknownToken: (401, "invalid-refresh-token"),
    UnknownUser: (404, "not-found"),
    WrongPair: (401, "wrong-credentials"),
    WrongPassword: (403, "wrong-password"),
}
