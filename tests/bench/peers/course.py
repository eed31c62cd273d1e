"""A peer: the product service of a well-known Flask course, in shape: one ORM query on a new connection a request.

`python -m tests.bench.peers.course` is its development server, as `python run.py` there; gunicorn serves it better.
"""

import os

from flask import Flask, Response, jsonify
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import NullPool

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"poolclass": NullPool}
db = SQLAlchemy(app)


class Product(db.Model):  # type: ignore[name-defined,misc]
    """A product, in the columns that the course has."""

    __tablename__ = "products"

    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(200))
    slug = db.Column(db.String(120))
    price = db.Column(db.Integer)
    image = db.Column(db.String(500))

    def to_json(self) -> dict[str, object]:
        """As the course shows it."""
        return {"id": self.id, "name": self.name, "slug": self.slug, "price": self.price, "image": self.image}


@app.get("/api/product/<slug>")
def product(slug: str) -> tuple[Response, int]:
    """One product."""
    found = Product.query.filter_by(slug=slug).first()
    return (jsonify(result=found.to_json()), 200) if found else (jsonify(message="Cannot find product"), 404)


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
