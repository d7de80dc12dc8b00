"""How a run is made again: exact for pipelines of ours, honest about what others do not tell."""

import shlex

import pytest

from experiments.reproduction_steps import Reproduction, steps

SHA, BASE, LOCK = "c" * 40, "b" * 40, "d" * 64
PIPELINE = {
    "stagegate.job": "7",
    "git_commit": SHA,
    "git_base_commit": BASE,
    "dvc_lock_digest": LOCK,
    "mlflow.source.git.repoURL": "https://example.org/ocr.git",
}


def made(tags: dict[str, str], **more: str) -> Reproduction:
    files = ["pipeline/params.yaml", "model/requirements.txt"]
    return steps("r1", tags, files=files, tracking_uri="https://me:secret@mlflow.example", **more)


def commands(found: Reproduction) -> list[str]:
    return [command for step in found.steps for command in step.commands]


def missing(found: Reproduction) -> str:
    return " ".join(map(str, found.missing))


def test_a_run_of_a_pipeline_is_exact() -> None:
    found = made(PIPELINE, connected_url="https://example.org/ocr.git", mirror="/data/mirrors/ocr.git")
    said = commands(found)
    assert found.is_exact
    assert said[:5] == [
        "git clone -- /data/mirrors/ocr.git ocr",
        "cd ocr",
        f"git checkout {SHA}",
        "dvc pull",
        "dvc repro --force",
    ]
    assert f"echo '{LOCK}  dvc.lock' | sha256sum --check" in said
    elsewhere = said[said.index("git clone -- https://example.org/ocr.git ocr") :]
    assert f"git checkout {BASE}" in elsewhere
    download = "mlflow artifacts download --run-id r1 --artifact-path pipeline/params.yaml --dst-path ."
    assert download in elsewhere
    assert elsewhere[-2:] == ["dvc pull", "dvc repro"]


def test_no_password_is_shown() -> None:
    found = made(PIPELINE, connected_url="https://me:secret@example.org/ocr.git", mirror="/m/ocr.git")
    assert "secret" not in " ".join(commands(found))


def test_of_a_plain_run_what_it_tells_is_used() -> None:
    found = made(
        {
            "mlflow.source.git.commit": SHA,
            "mlflow.source.git.repoURL": "git@example.org:team/ocr.git",
            "mlflow.source.name": "src/train.py",
            "mlflow.source.git.dirty": "True",
        }
    )
    said = commands(found)
    assert not found.is_exact
    assert f"git checkout {SHA}" in said
    assert "pip install -r environment/requirements.txt" in said
    assert "python src/train.py" in said
    assert "had not been committed" in missing(found)
    assert "No hash of its data" in missing(found)


def test_a_run_that_tells_nothing_says_what_is_missing() -> None:
    found = steps("r1", {}, files=[], tracking_uri="http://x")
    assert found.steps == ()
    for part in ("No commit", "No description of its environment", "No hash", "command that was run"):
        assert part in missing(found)


def test_an_mlflow_project_is_run_as_one() -> None:
    found = made(
        {
            "mlflow.source.git.commit": SHA,
            "mlflow.gitRepoURL": "https://example.org/ocr.git",
            "mlflow.project.entryPoint": "main; rm -rf /",
        }
    )
    [command] = [one for one in commands(found) if one.startswith("mlflow run")]
    assert shlex.split(command)[-1] == "main; rm -rf /"


@pytest.mark.parametrize("hostile", ["$(id)", "; id", "`id`", "--upload-pack=id", "a\nb", "ext::sh -c id"])
def test_hostile_tags_become_one_word_or_nothing(hostile: str) -> None:
    found = made(
        {
            "git_commit": hostile,
            "mlflow.source.git.commit": SHA,
            "mlflow.source.git.repoURL": hostile,
            "mlflow.source.name": f"{hostile}.py",
            "stagegate.job": "1",
        },
        connected_url="https://example.org/x.git",
    )
    for command in commands(found):
        words = shlex.split(command, comments=False)
        assert all(hostile not in word or word == f"{hostile}.py" for word in words), command
        assert "\n" not in command


def test_a_program_whose_name_python_would_take_for_an_option_is_not_offered() -> None:
    found = made({"mlflow.source.name": "-cimport os; os.abort() #.py"})
    assert not [one for one in commands(found) if one.startswith("python")]
