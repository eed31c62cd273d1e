"""What the noticeboard reads from its environment."""

from chassis.settings import DatabaseSettings


class NoticeboardSettings(DatabaseSettings):
    """The noticeboard's settings."""

    port: int = 5999
    database_name: str = "notices"
