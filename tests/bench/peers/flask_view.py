"""A peer: the gateway of a tutorial, a Flask view that asks with `requests.get` and answers with what it got."""

import os

import requests
from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/<path:path>")
def passed_on(**_: str) -> Response:
    """The service's answer."""
    answer = requests.get(os.environ["PRODUCT_URL"] + request.full_path, timeout=30)
    return Response(answer.content, answer.status_code, {"Content-Type": answer.headers["Content-Type"]})
