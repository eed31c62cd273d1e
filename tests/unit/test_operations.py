"""What the operator is told holds: every variable is in the table, and the deployment hides what is secret."""

import re
import subprocess

from auth_service.settings import AuthSettings
from gateway.settings import GatewaySettings
from order_service.settings import OrderSettings
from product_service.settings import ProductSettings
from tests.shop import ROOT

SETTINGS = (AuthSettings, ProductSettings, OrderSettings, GatewaySettings)
DEPLOYMENT = (ROOT / "docker-compose.deploy.yml").read_text("utf-8")


def test_the_table_of_variables_is_what_the_settings_classes_say() -> None:
    ended = subprocess.run([ROOT / "scripts/variables", "--check"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_deployment_sets_only_variables_that_a_service_reads() -> None:
    known = {name.upper() for settings in SETTINGS for name in settings.model_fields} | {"SECRETS_DIR"}
    environments = re.findall(r"^x-\S*environment:.*?\n((?:  .*\n)+)", DEPLOYMENT, re.MULTILINE)
    assert len(environments) == 4
    told = {name for block in environments for name in re.findall(r"^  ([A-Z_]+):", block, re.MULTILINE)}
    assert told <= known, told - known


def test_no_secret_of_the_deployment_is_in_an_environment() -> None:
    secret = re.compile(r"^\s+(\w*(?:PASSWORD|SECRET_KEY|TOKEN|API_KEY)): *\S", re.MULTILINE)
    assert [name for name in secret.findall(DEPLOYMENT.split("\nsecrets:\n")[0]) if not name.endswith("_FILE")] == []
