"""The static build: what is made, that it fits our policy and hashed names, and that it is quick."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from config import collected, navigation, plotly_styles, static_build
from config.static_storage import StaticStorage

BASE = Path(settings.BASE_DIR)
MADE = {"tabler.css", "stagegate.css", "stagegate.js", "plotly.css", "plotly.js"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with everything built in it."""
    base = tmp_path_factory.mktemp("product")
    (base / "static").mkdir()
    for name in ("node_modules", "static/css", "static/js"):
        (base / name).symlink_to(BASE / name)
    static_build.build(base)
    return base


def made(base: Path, name: str) -> str:
    """Return the text of a file in static/vendor/."""
    return (base / "static" / "vendor" / name).read_text(encoding="utf-8")


def test_exactly_the_files_that_pages_load_are_made(built: Path) -> None:
    assert {path.name for path in (built / "static" / "vendor").iterdir()} == MADE


def test_no_file_names_a_source_map(built: Path) -> None:
    for name in MADE:
        assert "sourceMappingURL" not in made(built, name)


def test_tabler_lies_whole_in_its_layer_below_ours(built: Path) -> None:
    tabler = made(built, "tabler.css")
    assert tabler.startswith(f"{static_build.LAYERS}@layer tabler {{")
    assert tabler.count("{") == tabler.count("}")
    assert "@charset" not in tabler
    layers = re.findall(r"^@layer (\w+) \{", made(built, "stagegate.css"), re.MULTILINE)
    assert layers[0] == "tokens"
    assert set(layers) <= {"tokens", "components", "pages"}
    assert layers == sorted(layers, key=["tokens", "components", "pages"].index)


def test_every_style_sheet_and_behaviour_of_ours_is_bundled(built: Path) -> None:
    styles, scripts = made(built, "stagegate.css"), made(built, "stagegate.js")
    for path in (BASE / "static" / "css").rglob("*.css"):
        assert path.read_text(encoding="utf-8").strip() in styles
    for path in (BASE / "static" / "js").glob("*.js"):
        assert path.read_text(encoding="utf-8").strip() in scripts


def test_the_rules_that_plotly_would_insert_stand_in_a_style_sheet(built: Path) -> None:
    rules = made(built, "plotly.css").splitlines()
    assert ".js-plotly-plot .plotly .main-svg{position:absolute;top:0;left:0;pointer-events:none;}" in rules
    selectors = [line.partition("{")[0] for line in rules if line.startswith(".")]
    assert len(selectors) > 50
    assert all(re.search(r"\.js-plotly-plot|\.plotly-notifier", selector) for selector in selectors)
    # The first rule of the bundle is inserted first and ends up last.
    assert rules[-2].startswith(".js-plotly-plot .plotly,.js-plotly-plot .plotly div{direction:ltr;")


def test_plotly_sets_no_style_attribute_and_adds_no_style_element_for_maps(built: Path) -> None:
    bundle = made(built, "plotly.js")
    assert '.attr("style",' not in bundle
    known = plotly_styles.guarded_ids(bundle)
    assert len(known) == bundle.count('createElement("style")') - 1  # the one left is guarded by the link
    assert all(identity in bundle.partition("\n")[0] for identity in known)


def test_a_bundle_of_another_shape_stops_the_build() -> None:
    with pytest.raises(plotly_styles.StylesNotFoundError):
        plotly_styles.extract("var rules={};")


def test_nothing_is_written_when_nothing_changed(built: Path) -> None:
    assert static_build.build(built) == []


def test_a_leftover_of_an_earlier_version_is_removed(built: Path) -> None:
    leftover = built / "static" / "vendor" / "old.js"
    leftover.write_text("")
    static_build.build(built)
    assert not leftover.exists()


def test_a_missing_package_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BASE_DIR", tmp_path)
    with pytest.raises(CommandError, match=r"^node_modules/\S+ is missing: run `npm ci` first\.$"):
        call_command("build_static")


def test_collecting_is_repeated_only_after_a_change(tmp_path: Path, settings: object) -> None:
    static, root = tmp_path / "static", tmp_path / "root"
    static.mkdir()
    root.mkdir()
    (static / "a.css").write_text("a{}")
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [static], root  # type: ignore[attr-defined]
    first = collected.fingerprint()
    collected.mark(first)
    assert collected.is_current(collected.fingerprint())
    (static / "b.css").write_text("b{}")
    assert not collected.is_current(collected.fingerprint())


def test_the_lock_file_names_no_host() -> None:
    lock = (BASE / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert '"integrity"' in lock


def test_the_packages_are_pinned_exactly() -> None:
    text = (BASE / "package.json").read_text(encoding="utf-8")
    assert len(re.findall(r'": "\d+\.\d+\.\d+"', text)) == 3


def test_plotly_in_the_browser_is_of_the_version_that_python_draws_for(built: Path) -> None:
    import plotly

    folder = Path(plotly.__file__).parent / "package_data"
    release = re.compile(r"plotly\.js[^v]*v(\d+)\.")
    ours = release.search(made(built, "plotly.js"))
    theirs = release.search((folder / "plotly.min.js").read_text(encoding="utf-8")[:400])
    assert ours is not None
    assert theirs is not None
    assert ours[1] == theirs[1]


def test_the_navigation_marks_the_entry_that_a_page_belongs_to() -> None:
    groups = navigation.for_path("/")
    assert [entry.view for group in groups for entry in group.entries if entry.current] == ["home"]


def test_a_file_is_compressed_once_and_again_when_its_content_changes(tmp_path: Path) -> None:
    storage = StaticStorage(location=tmp_path, base_url="/static/")
    source = tmp_path / "a.css"

    def collect(text: str) -> Path:
        """Do what collectstatic does; return the compressed file under the hashed name."""
        source.write_text(text)
        list(storage.post_process({"a.css": (storage, "a.css")}))
        assert not source.exists()
        return tmp_path / f"{storage.hashed_files['a.css']}.br"

    first = collect("a { color: red }" * 50)
    time = first.stat().st_mtime_ns
    assert collect("a { color: red }" * 50).stat().st_mtime_ns == time
    assert collect("a { color: tan }" * 50) != first
