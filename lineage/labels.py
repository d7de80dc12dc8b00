"""This app's words for fixed sets of values, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

DATA_KINDS: dict[str, str | Promise] = {
    "tracked": pgettext_lazy("kind of data", "data set"),
    "import": pgettext_lazy("kind of data", "import"),
    "output": pgettext_lazy("kind of data", "output of a stage"),
    "in_git": pgettext_lazy("kind of data", "output in Git"),
}
PROMOTION_KINDS: dict[str, str | Promise] = {
    "request": _("Request"),
    "rollback": _("Rollback"),
    "bypass": _("Emergency bypass"),
}
STAGE_KINDS: dict[str, str | Promise] = {
    "pipeline": pgettext_lazy("kind of stage", "stage"),
    "tracked": pgettext_lazy("kind of stage", "tracked data"),
    "import": pgettext_lazy("kind of stage", "import"),
}
CHANGE_KINDS: dict[str, str | Promise] = {
    "code": pgettext_lazy("what changed", "code"),
    "data": pgettext_lazy("what changed", "data"),
    "parameter": pgettext_lazy("what changed", "parameter"),
    "command": pgettext_lazy("what changed", "command"),
    "input": pgettext_lazy("what changed", "dependency"),
}
FILE_CHANGES: dict[str, str | Promise] = {
    "added": _("added"),
    "removed": _("removed"),
    "modified": _("modified"),
    "moved": _("moved"),
}
GTO_ACTIONS: dict[str, str | Promise] = {
    "register": _("registered"),
    "deregister": _("registration taken back"),
    "assign": _("assigned"),
    "unassign": _("taken out"),
    "create": _("created"),
    "deprecate": _("deprecated"),
}
KEPT_ROWS: dict[str, str | Promise] = {
    "promotions": pgettext_lazy("left out", "promotions"),
    "reproductions": pgettext_lazy("left out", "reproductions"),
    "deployments": pgettext_lazy("left out", "deployments"),
}
