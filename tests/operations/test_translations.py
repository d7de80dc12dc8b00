"""The message catalogues: complete, true to the sources, compiled by the build and used by the pages."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import translation

from accounts.roles import Role
from config import catalogues
from tests.people import make_user

BASE = Path(settings.BASE_DIR)
UPDATE = (
    "Run `manage.py update_catalogues`, then translate what it names; the words are in docs/translation.md."
)

_PLACEHOLDER = re.compile(r"%\(\w+\)0?\d*[sd]|%[sd]")
_MARKUP = re.compile(r"</?\w+>")
_HANGUL = re.compile(r"[가-힣]")
# Names, units and addresses that are the same in Korean.
_LATIN = re.compile(r"|[A-Z]\w+( CER| WER)?|dvc\.lock|params\.yaml|major|minor|patch")


def texts(message: Message) -> tuple[str, ...]:
    """Return the forms of a message: one, or singular and plural."""
    return message.id if isinstance(message.id, tuple) else (message.id,)


def translations(message: Message) -> tuple[str, ...]:
    """Return the translations of a message."""
    return message.string if isinstance(message.string, tuple) else (message.string,)


def messages(catalogue: Catalog) -> list[Message]:
    """Return the messages without the header."""
    return [message for message in catalogue if message.id]


@pytest.fixture(scope="module")
def korean() -> Catalog:
    return catalogues.read(BASE / "locale" / "ko" / "LC_MESSAGES" / "django.po")


def test_the_catalogue_has_what_the_sources_say_and_nothing_else(korean: Catalog) -> None:
    said = {(message.context, texts(message)[0]) for message in messages(catalogues.extract(BASE))}
    there = {(message.context, texts(message)[0]) for message in messages(korean)}
    assert said - there == set(), UPDATE
    assert there - said == set(), UPDATE
    assert len(said) > 500


def test_every_message_is_translated(korean: Catalog) -> None:
    assert [message.id for message in catalogues.untranslated(korean)] == [], UPDATE


def test_no_translation_is_a_guess(korean: Catalog) -> None:
    assert [message.id for message in korean if message.fuzzy] == []


def test_a_translation_has_the_placeholders_and_the_markup_of_its_message(korean: Catalog) -> None:
    for message in messages(korean):
        # The singular may say "one" instead of the number.
        expected = Counter(_PLACEHOLDER.findall(texts(message)[-1]))
        markup = Counter(_MARKUP.findall(texts(message)[-1]))
        for text in translations(message):
            assert Counter(_PLACEHOLDER.findall(text)) == expected, (message.id, text)
            assert Counter(_MARKUP.findall(text)) == markup, (message.id, text)


def test_what_stays_in_latin_letters_is_a_name_or_a_unit(korean: Catalog) -> None:
    for message in messages(korean):
        for text in translations(message):
            words = _PLACEHOLDER.sub("", text).strip(" :")
            assert _HANGUL.search(text) or _LATIN.fullmatch(words), (message.id, text)


def test_a_message_that_is_missing_or_doubtful_would_be_found() -> None:
    catalogue = Catalog(locale="ko")
    catalogue.add("There is no model.", "")
    catalogue.add(("%(n)s run", "%(n)s runs"), ("",))
    catalogue.add("Model", "모델", flags=["fuzzy"])
    catalogue.add("Run", "실행")
    assert [texts(message)[0] for message in catalogues.untranslated(catalogue)] == [
        "There is no model.",
        "%(n)s run",
        "Model",
    ]


def write_sources(base: Path, code: str, template: str = "") -> None:
    """Write a product with one module and one template."""
    for folder in (*catalogues.SOURCES, catalogues.TEMPLATES):
        (base / folder).mkdir(exist_ok=True)
    (base / "registry" / "one.py").write_text(code)
    (base / "templates" / "one.html").write_text(template)


def test_messages_of_code_and_of_templates_are_extracted(tmp_path: Path) -> None:
    template = """<p title="it's">{% translate 'Said' %}</p>
        {% comment %}Not {% translate 'this' %}{% endcomment %}
    {% blocktranslate count number=n %}{{ number }} run{% plural %}{{ number }} runs{% endblocktranslate %}
      {% icon "x" label=_("fine") %}"""
    write_sources(tmp_path, '_("In " "code")\npgettext_lazy("stage", "Staging")\n', template)
    found = {(message.context, *texts(message)) for message in messages(catalogues.extract(tmp_path))}
    assert found == {
        (None, "In code"),
        ("stage", "Staging"),
        (None, "Said"),
        (None, "%(number)s run", "%(number)s runs"),
        (None, "fine"),
    }


def test_an_update_keeps_translations_and_drops_what_nobody_says(tmp_path: Path) -> None:
    write_sources(tmp_path, '_("Kept")\n_("New")\n')
    file = tmp_path / "locale" / "ko" / "LC_MESSAGES" / "django.po"
    file.parent.mkdir(parents=True)
    header = 'msgid ""\nmsgstr ""\n"Language: ko\\n"\n\n'
    file.write_text(f'{header}msgid "Kept"\nmsgstr "유지"\n\nmsgid "Old"\nmsgstr "예전"\n')
    assert catalogues.update(tmp_path) == [file]
    found = {message.id: message.string for message in messages(catalogues.read(file))}
    assert found == {"Kept": "유지", "New": ""}
    again = file.read_bytes()
    write_sources(tmp_path, '\n\n\n_("Kept")\n_("New")\n')
    catalogues.update(tmp_path)
    assert file.read_bytes() == again


def test_the_build_compiles_the_catalogues_and_only_when_they_changed(tmp_path: Path) -> None:
    folder = tmp_path / "locale" / "ko" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    shutil.copy(BASE / "locale" / "ko" / "LC_MESSAGES" / "django.po", folder)
    assert catalogues.build(tmp_path) == [folder / "django.mo"]
    assert catalogues.build(tmp_path) == []


def test_building_the_static_files_also_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(catalogues, "build", lambda base: asked.append(base) or [])
    call_command("build_static")
    assert asked == [settings.BASE_DIR]


def test_what_is_compiled_is_what_the_catalogue_says(korean: Catalog) -> None:
    with translation.override("ko"):
        for message in messages(korean):
            if not isinstance(message.id, tuple) and message.context is None:
                assert translation.gettext(message.id) == message.string
        assert translation.pgettext("run", "Finished") == "완료"
        assert translation.ngettext("%(number)s version", "%(number)s versions", 1) == "버전 %(number)s개"


@pytest.mark.django_db
def test_a_page_speaks_korean_to_whom_prefers_it() -> None:
    user = make_user(Role.VIEWER)
    user.language = "ko"
    user.save(update_fields=["language"])
    client = Client()
    client.force_login(user)
    page = client.get("/models/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="ko"' in page
    assert "아직 모델이 없습니다." in page
    assert "There is no model yet." not in page


@pytest.mark.django_db
def test_a_page_speaks_the_language_of_the_browser_to_everybody_else() -> None:
    client = Client()
    korean = client.get("/sign-in/", headers={"accept-language": "ko-KR,ko;q=0.9,en;q=0.8"}).content.decode()
    english = client.get("/sign-in/", headers={"accept-language": "en"}).content.decode()
    assert "로그인" in korean
    assert "Sign in" in english
