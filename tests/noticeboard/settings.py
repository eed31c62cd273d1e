"""What the noticeboard reads from its environment."""

from chassis.settings import DatabaseSettings, Port


class NoticeboardSettings(DatabaseSettings):
    """The noticeboard's settings."""

    port: Port = 5999
    database_name: str = "notices"
