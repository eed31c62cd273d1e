"""Which broker the shop's events go by: RabbitMQ, or a file where there is none."""

from chassis.broker import Broker
from chassis.postbox import Postbox
from chassis.rabbitmq import RabbitMQ
from chassis.settings import Settings, SettingsError


def connected(settings: Settings) -> Broker:
    """The broker that the settings name: RabbitMQ at `EVENTS_URL`, or else a file that the local processes share."""
    if settings.events_url is not None:
        return RabbitMQ(settings.events_url.get_secret_value())
    if settings.production:
        raise SettingsError("EVENTS_URL is missing: production needs amqp://USER:PASSWORD@HOST/")
    return Postbox(settings.data_dir / "events")
