"""The services' descriptions become one."""

from typing import Any

from gateway.documents import merge, operations_of
from tests.unit.gateway.wires import TABLE


def description(*paths: str, who: str = "anyone", version: str = "1.0", **schemas: Any) -> dict[str, Any]:
    """What a service says of itself: a GET at each of these paths, and these schemas."""
    answer = {
        "description": "Done",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
    }
    operation = {"operationId": "get_it", "x-who": who, "responses": {"200": answer, "503": {"description": "Later"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "a service", "version": version},
        "paths": {path: {"get": operation} for path in paths},
        "components": {"schemas": schemas, "securitySchemes": {"bearer": {"type": "http"}}},
    }


def test_what_is_routed_is_described_under_one_roof() -> None:
    merged = merge(
        {"accounts": description("/api/v2/users"), "catalogue": description("/api/v2/products/{slug}", version="2.0")},
        TABLE,
        "Shop",
        "3.0",
    )
    assert list(merged["paths"]) == ["/api/v2/products/{slug}", "/api/v2/users"]
    assert merged["x-services"] == {"accounts": "1.0", "catalogue": "2.0"}
    assert merged["info"]["version"] == "3.0"
    ids = [operation["operationId"] for _, _, operation in operations_of(merged)]
    assert ids == ["catalogue_get_it", "accounts_get_it"]


def test_what_is_not_routed_is_not_described() -> None:
    inside = description("/api/v2/reservations", "/internal/products", "/api/v2/products")
    assert list(merge({"catalogue": inside}, TABLE, "Shop", "1")["paths"]) == ["/api/v2/products"]
    assert merge({"catalogue": description("/api/v2/products", who="service")}, TABLE, "Shop", "1")["paths"] == {}


def test_what_another_service_answers_for_is_a_conflict() -> None:
    merged = merge({"orders": description("/api/v2/products")}, TABLE, "Shop", "1")
    assert merged["paths"] == {}
    assert merged["x-conflicts"] == [
        {"path": "/api/v2/products", "described by": "orders", "answered by": "catalogue"},
    ]


def test_one_name_for_two_things_becomes_two_names() -> None:
    number, text = {"type": "integer"}, {"type": "string"}
    merged = merge(
        {
            "accounts": description("/api/v2/users", Thing=number, Unused=text),
            "catalogue": description(
                "/api/v2/products", Thing={"items": {"$ref": "#/components/schemas/Part"}}, Part=text
            ),
        },
        TABLE,
        "Shop",
        "1",
    )
    assert merged["components"]["schemas"] == {
        "Thing": number,
        "CatalogueThing": {"items": {"$ref": "#/components/schemas/Part"}},
        "Part": text,
    }

    def answered(path: str) -> Any:
        return merged["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]

    assert answered("/api/v2/users") == "#/components/schemas/Thing"
    assert answered("/api/v2/products") == "#/components/schemas/CatalogueThing"


def test_the_gateways_own_answers_are_described_too() -> None:
    merged = merge({"catalogue": description("/api/v2/products")}, TABLE, "Shop", "1")
    assert {"200", "502", "503", "504"} == set(merged["paths"]["/api/v2/products"]["get"]["responses"])
