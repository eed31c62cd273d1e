"""What people do in the shop with a browser."""

from playwright.sync_api import Page, expect

from tests.builders import PASSWORD, Person, unique

ADDRESS = {"name": "Ada Lovelace", "line1": "12 St James Square", "city": "London", "postal_code": "SW1Y 4JH"}
PAYS, DECLINED = "A card that pays", "A card that is declined"
LISTEN = """() => {
  window.heard = [];
  const listener = new MutationObserver(([{ target }]) => window.heard.push(target.closest("[role=status]").innerText));
  for (const status of document.querySelectorAll("[role=status]")) listener.observe(status, { childList: true });
}"""


class Visitor:
    """Somebody at a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    @property
    def path(self) -> str:
        return "/" + self.page.url.split("/", 3)[3]

    def listen(self) -> None:
        """Hear from now on what the page's statuses say."""
        self.page.evaluate(LISTEN)

    @property
    def heard(self) -> str:
        """What was said last."""
        return str(self.page.evaluate("window.heard.at(-1)"))

    def press(self, name: str) -> None:
        self.page.get_by_role("main").get_by_role("button", name=name).click()

    def put_into_cart(self, slug: str, quantity: int = 1) -> None:
        self.go(f"/products/{slug}")
        self.page.get_by_label("Quantity").fill(str(quantity))
        self.press("Add to cart")
        expect(self.page).to_have_url("/cart")

    def register(self, username: str = "") -> str:
        username = username or unique("guest")
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Email address").fill(f"{username}@example.com")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Register")
        return username

    def sign_in(self, person: Person) -> None:
        self.go("/login")
        self.fill_in_sign_in(person)
        expect(self.page).to_have_url("/account")

    def fill_in_sign_in(self, person: Person) -> None:
        self.page.get_by_label("Username or email address").fill(person.username)
        self.page.get_by_label("Password").fill(person.password)
        self.press("Sign in")

    def fill_in_address(self, **changed: str) -> None:
        for name, value in (ADDRESS | changed).items():
            self.page.locator(f"#{name}").fill(value)
        self.page.get_by_label("Country").select_option("GB")

    def pay(self, card: str = PAYS) -> None:
        self.page.get_by_label(card).check()
        self.press("Pay $")
