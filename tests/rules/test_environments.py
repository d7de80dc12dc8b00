"""What files say about the environment of a run."""

import json

from experiments.environments import environment


def test_packages_are_found_in_all_the_usual_files() -> None:
    conda = "dependencies:\n- python=3.11.7\n- pip:\n  - torch==2.13.0\n  - 'Flask_Cors[x]==6.0'\n"
    assert environment({"conda.yaml": conda}) == {"python": "3.11.7", "torch": "2.13.0", "flask-cors": "6.0"}
    assert environment({"python_env.yaml": "python: 3.12.1\nbuild_dependencies: []\n"}) == {
        "python": "3.12.1"
    }
    pins = "# a comment\nnumpy==2.4.6  # why\nloose>=1\n-r other.txt\ntorch == 2.1 ; python_version > '3'\n"
    assert environment({"requirements.txt": pins}) == {"torch": "2.1", "numpy": "2.4.6"}


def test_the_most_telling_file_counts() -> None:
    told = json.dumps({"python": "3.11", "gpus": 2, "packages": {"Torch": "2.13+cpu", "odd": ["x"]}, "x": {}})
    found = environment({"environment.json": told, "requirements.txt": "torch==1\nnumpy==2"})
    assert list(found.items()) == [("python", "3.11"), ("torch", "2.13+cpu"), ("gpus", "2"), ("numpy", "2")]


def test_broken_files_say_nothing() -> None:
    for text in ("", "[1]", "{", '"x"', "[" * 100_000, '{"packages": 3}'):
        assert environment({"environment.json": text}) == {}
