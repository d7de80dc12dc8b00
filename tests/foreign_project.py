"""A Git repository as public DVC projects have grown: files of every age of DVC, data nobody can reach."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from integrations.git_commands import git_environment
from tests.integrations.git_workshop import commit, git, make_repository

CONFIG = """\
[core]
    remote = storage
    autostage = true
['remote "storage"']
    url = https://remote.invalid/scans
['remote "archive/eu"']
    url = s3://scans-archive/eu
"""
# DVC 0: each stage a file of its own, with a hash of the file itself; metrics by a path within.
OLD_DATA = """\
md5: 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
wdir: .
outs:
- md5: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  path: scans.zip
  cache: true
  metric: false
  persist: false
"""
OLD_TRAIN = """\
md5: 1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e
cmd: python train.py scans.zip model.pkl
deps:
- md5: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  path: scans.zip
- md5: 2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b
  path: train.py
outs:
- md5: 3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c
  path: model.pkl
  cache: true
- md5: 4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d
  path: auc.metric
  cache: false
  metric:
    type: json
    xpath: AUC.test
"""
# DVC 1: `dvc.yaml` with a lock that has no schema.
PIPELINE_1 = """\
stages:
  train:
    cmd: python train.py scans.zip model.pkl
    deps: [scans.zip, train.py]
    params: [train.rate]
    outs:
    - model.pkl: {persist: true}
    metrics_no_cache: [auc.json]
    plots:
    - curve.tsv: {cache: false, x: step, y: loss, template: linear, title: Loss}
"""
LOCK_1 = """\
train:
  cmd: python train.py scans.zip model.pkl
  deps:
  - path: scans.zip
    md5: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  - path: train.py
    md5: 2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b
  params:
    params.yaml:
      train.rate: 0.1
  outs:
  - path: auc.json
    md5: 5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e
  - path: model.pkl
    md5: 6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f
"""
# DVC 2: templates, stages by list, mapping and matrix, parameters of several files, `live`.
PIPELINE_2 = """\
vars:
- params.yaml
- languages.json:folds
- width: 32
stages:
  prepare:
    wdir: src
    cmd:
    - python prepare.py --width ${width}
    - echo done
    deps: [../scans.zip, prepare.py]
    params:
    - prepare
    - ../settings.toml: [crop.left]
    - ../constants.py: [SEED, Net.LAYERS]
    - ../languages.json:
    outs:
    - ../ready: {remote: archive/eu, desc: Cropped scans}
    always_changed: false
  fold:
    foreach: ${folds}
    do:
      cmd: python fold.py ${item}
      deps: [ready]
      outs: ["folds/${item}.csv"]
  language:
    foreach:
      ko: {size: 11}
      en: {size: 12}
    do:
      cmd: python language.py ${key} ${item.size}
      deps: [ready]
      outs: ["words/${key}.txt"]
  grid:
    matrix:
      network: [cnn, crnn]
      depth: [2, 4]
    cmd: python grid.py ${item.network} ${item.depth}
    deps: [ready]
    outs: ["grid/${key}.pt"]
  train:
    cmd: python train.py ${train.rate}
    deps: [ready, folds, train.py]
    params: [train.rate, train.layers]
    outs: [model.pkl]
    live:
      live: {summary: true, html: true}
    metrics: [auc.json: {cache: false}]
    frozen: true
"""
LOCK_2 = """\
schema: '2.0'
stages:
  prepare:
    cmd:
    - python prepare.py --width 32
    - echo done
    deps:
    - path: ../scans.zip
      md5: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
      size: 4096
    params:
      ../constants.py: {SEED: 7, Net.LAYERS: 3}
      ../settings.toml: {crop.left: 4}
      params.yaml: {prepare: {rows: 3, names: [a, b]}}
    outs:
    - path: ../ready
      md5: 7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a.dir
      size: 9000
      nfiles: 3
  fold@0:
    cmd: python fold.py 0
    deps:
    - {path: ready, md5: 7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a.dir, size: 9000, nfiles: 3}
    outs:
    - {path: folds/0.csv, md5: 8b8b8b8b8b8b8b8b8b8b8b8b8b8b8b8b, size: 10}
  grid@cnn-2:
    cmd: python grid.py cnn 2
    deps:
    - {path: ready, md5: 7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a.dir, size: 9000, nfiles: 3}
    outs:
    - {path: grid/cnn-2.pt, md5: 9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c9c, size: 10}
  train:
    cmd: python train.py 0.1
    deps:
    - {path: ready, md5: 7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a.dir, size: 9000, nfiles: 3}
    params:
      params.yaml: {train.rate: 0.1, train.layers: [16, 32]}
    outs:
    - {path: model.pkl, md5: ababababababababababababababab02, size: 20}
    - {path: auc.json, md5: cdcdcdcdcdcdcdcdcdcdcdcdcdcdcd02, size: 20}
"""
# DVC 3: hashes with their kind, plots, metrics, parameters, artifacts and data sets of the whole project.
PIPELINE_3 = (
    PIPELINE_2.replace("    live:\n      live: {summary: true, html: true}\n", "").replace(
        "    frozen: true\n", ""
    )
    + """\
params: [settings.toml]
metrics: [auc.json, sub/scores.yaml]
plots:
- curve.tsv
- eval/plots
- ROC:
    template: simple
    x: fpr
    y:
      eval/roc/train.json: tpr
      eval/roc/test.json: [tpr, best]
    title: ROC of both
    x_label: false positives
- Confusion:
    template: confusion
    x: {eval/cm.csv: actual}
    y: {eval/cm.csv: predicted}
- eval/importance.png
artifacts:
  ocr:
    path: model.pkl
    type: model
    desc: Reads amounts
    labels: [ocr, receipts]
    meta: {framework: torch}
  scans:
    path: s3://scans-archive/eu/scans.zip
    type: dataset
datasets:
- {name: letters, type: dvc, url: "https://git.invalid/letters", path: letters}
"""
)
LOCK_3 = (
    LOCK_2.replace("  md5: ", "  hash: md5\n      md5: ")
    .replace(", md5: ", ", hash: md5, md5: ")
    .replace("ababababababababababababababab02", "ababababababababababababababab03")
)
IMPORTS = {
    "letters.dvc": """\
md5: f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1
frozen: true
deps:
- path: get-started/letters
  repo:
    url: https://git.invalid/registry
    rev: v2
    rev_lock: 3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c
    config: {core: {remote: storage}}
outs:
- md5: e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2.dir
  size: 5000
  nfiles: 26
  hash: md5
  path: letters
""",
    "labels.csv.dvc": """\
md5: f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2
frozen: true
deps:
- etag: '"33a64df551425fcc55e4d42a148795d9f25f89d4"'
  size: 77
  path: https://data.invalid/labels.csv
outs:
- md5: e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3
  size: 77
  hash: md5
  path: labels.csv
  desc: One label for each scan
  remote: archive/eu
  labels: [csv]
  type: table
  meta: {owner: data team}
""",
    "cloud/images.dvc": """\
outs:
- path: images
  hash: md5
  push: false
  files:
  - relpath: a.png
    md5: e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4
    size: 12
    cloud:
      storage: {etag: abc, version_id: L1xS}
""",
    "query.csv.dvc": """\
frozen: true
deps:
- db: {connection: warehouse, query: select 1}
  hash: md5
outs:
- {path: query.csv, hash: md5, md5: e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5, size: 3}
""",
    "partial.dvc": "deps:\n- path: s3://scans-archive/eu/part\nouts:\n- path: partial\n  hash: md5\n",
    "nested/deep/video.dvc": """\
wdir: ../..
outs:
- {path: nested/deep/video.mp4, md5: e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6, size: 7, hash: md5, remote: docs}
""",
}
SUBPROJECT = {
    "sub/.dvc/config": "[core]\n    no_scm = false\n",
    "sub/dvc.yaml": """\
stages:
  score:
    cmd: python score.py
    deps: [../model.pkl, words]
    params: [params.json: [beam.width]]
    outs: [report.html]
    metrics: [scores.yaml: {cache: false}]
artifacts: {scorer: {path: report.html}}
""",
    "sub/dvc.lock": """\
schema: '2.0'
stages:
  score:
    cmd: python score.py
    deps:
    - {path: ../model.pkl, hash: md5, md5: ababababababababababababababab03, size: 20}
    params: {params.json: {beam.width: 5}}
    outs:
    - {path: report.html, hash: md5, md5: d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1, size: 30}
""",
    "sub/params.json": '{"beam": {"width": 5}}\n',
    "sub/scores.yaml": "cer: 0.012\nwords: {ko: 0.9, en: .nan}\n",
    "sub/words.dvc": "outs:\n- {path: words, md5: e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7.dir, nfiles: 2}\n",
}
PARAMETERS = {
    "params.yaml": "prepare: {rows: 3, names: [a, b]}\ntrain: {rate: 0.1, layers: [16, 32], on: no}\n",
    "settings.toml": 'title = "scans"\n[crop]\nleft = 4\nat = 2020-01-01\n',
    "constants.py": "SEED = 7\nclass Net:\n    LAYERS = 3\n",
    "languages.json": '{"folds": [0, 1], "names": {"ko": "한국어"}}\n',
}
PLOTTED = {
    "curve.tsv": "step\tloss\n1\t0.5\n2\t0.25\n",
    "auc.json": '{"AUC": {"test": 0.93, "train": 0.99}}\n',
    "eval/roc/train.json": '{"roc": [{"fpr": 0.0, "tpr": 0.2}, {"fpr": 1.0, "tpr": 1.0}]}\n',
    "eval/roc/test.json": '[{"fpr": 0.0, "tpr": 0.1, "best": 1}, {"fpr": 1.0, "tpr": 0.9, "best": 1}]\n',
    "eval/cm.csv": "actual,predicted\n1,1\n7,1\n",
    "eval/plots/loss.csv": "step,loss\n1,0.5\n2,0.25\n",
    "eval/importance.png": "no picture\n",
}
CONFLICT = "stages:\n<<<<<<< HEAD\n  train: {cmd: a}\n=======\n  train: {cmd: b}\n>>>>>>> theirs\n"
TAGS = ("v0.9", "1-first-model", "ocr@v1.0.0", "ocr#dev#1", "ocr#prod")
LATER_TAGS = ("ocr@v1.1.0-rc.1", "ocr#prod#3", "ocr#dev!#4", "scans@v0.1.0", "sub=scorer@v0.0.1")
LAST_TAGS = ("scans@v0.1.0!", "ocr@v2.0.0", "ocr#staging#6", "old@deprecated", "ocr@1.2", "ocr@v01.0.0")


def make_foreign_project(path: Path) -> dict[str, str]:
    """Make the repository; return commit by the age of DVC that wrote it."""
    make_repository(path, {"README.md": "Scans\n", ".dvc/config": CONFIG, ".dvc/.gitignore": "/cache\n"})
    found = {}
    code = {"train.py": "# trains\n", "src/prepare.py": "# prepares\n"}
    found["0"] = commit(path, {**code, "scans.zip.dvc": OLD_DATA, "train.dvc": OLD_TRAIN}, "Use DVC")
    git(path, "rm", "--quiet", "train.dvc")
    found["1"] = commit(
        path, {"dvc.yaml": PIPELINE_1, "dvc.lock": LOCK_1, **PARAMETERS, **PLOTTED}, "Move to dvc.yaml"
    )
    _tag(path, TAGS, 2)
    found["2"] = commit(path, {"dvc.yaml": PIPELINE_2, "dvc.lock": LOCK_2}, "표와 행렬로 나눔")
    _tag(path, LATER_TAGS, 3)
    git(path, "checkout", "--quiet", "-b", "bigrams")
    found["broken"] = commit(path, {"dvc.lock": CONFLICT, "empty.dvc": "", "odd.dvc": "outs: 3\n"}, "Oops")
    git(path, "checkout", "--quiet", "main")
    found["3"] = commit(
        path,
        {"dvc.yaml": PIPELINE_3, "dvc.lock": LOCK_3, **IMPORTS, **SUBPROJECT},
        "Move to DVC 3\n\nWith a longer word about it.",
    )
    git(path, "merge", "--quiet", "--no-edit", "--strategy", "ours", "bigrams")
    found["merge"] = git(path, "rev-parse", "HEAD")
    _tag(path, LAST_TAGS, 4)
    git(path, "branch", "ancient", _made(path, "commit", _ANCIENT % git(path, "rev-parse", "HEAD^{tree}")))
    return found


def _tag(path: Path, names: tuple[str, ...], month: int) -> None:
    """Make annotated tags, a day after each other, and of every fourth name a plain one."""
    head = git(path, "rev-parse", "HEAD")
    for number, name in enumerate(names, start=1):
        at = int(datetime(2030, month, number, tzinfo=UTC).timestamp())
        told = f"object {head}\ntype commit\ntag {name}\ntagger Keeper <k@example.org> {at} +0000\n\nSay it\n"
        git(path, "tag", name, head if number % 4 == 0 else _made(path, "tag", told))


# Older than everything, in an odd zone, by somebody whose name is not in UTF-8.
_ANCIENT = """\
tree %s
author Jos\xe9 <jose@example.org> 86400 -0330
committer Jos\xe9 <jose@example.org> 86400 -0330
encoding ISO-8859-1

Andr\xe9 was here
"""


def _made(path: Path, kind: str, text: str) -> str:
    """Write an object of Git; return its name."""
    done = subprocess.run(
        ["git", "hash-object", "-t", kind, "-w", "--stdin"],
        input=text.encode("latin-1"),
        cwd=path,
        env=git_environment(),
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()
