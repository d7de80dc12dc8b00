"""Words of a comparison, in the language of the reader."""

from django.utils.translation import gettext_lazy as _

SECTIONS = {
    "run": _("Origin"),
    "metrics": _("Metrics"),
    "params": _("Parameters"),
    "tags": _("Tags"),
    "environment": _("Environment"),
}
DIRECTIONS = {"min": _("smaller is better"), "max": _("larger is better")}
POINTS = {
    "last": _("last"),
    "min": _("smallest"),
    "max": _("largest"),
    "best": _("best"),
}
ROWS = {
    "auto": _("Differences if many"),
    "different": _("Only differences"),
    "all": _("All rows"),
}
