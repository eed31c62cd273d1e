"""The databases of the shop in production, and how to speak to their servers without showing a password."""

from production import Failed, Shop, asked

DATABASES = ("user", "product", "order")


def container(shop: Shop, database: str) -> str:
    """The container of a database's server on this machine, of Compose or of a stack; raises Failed."""
    for label in ("com.docker.compose.project", "com.docker.stack.namespace"):
        line = ["docker", "ps", "--quiet", "--filter", f"label={label}={shop.name}"]
        for found in asked(line).split():
            if f"{database}-db" in asked(["docker", "inspect", "--format", "{{.Name}}", found]):
                return found
    raise Failed(f"{database}-db does not run on this machine")


def with_password(command: str) -> str:
    """A shell line for the server's container in which the password is in no argument: it is read from its file."""
    return f'MYSQL_PWD="$(cat /run/secrets/DATABASE_PASSWORD)" exec {command}'
