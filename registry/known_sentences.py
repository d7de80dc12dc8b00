"""What the rules of this app say to people, as `experiments.sentences` recognises it."""

from django.utils.translation import gettext_noop as _

# What differs between two versions, and what could not be compared: `bump`.
DIFFERENCES = (
    _("first version of the model"),
    _("nothing that is recorded changed"),
    _("architecture %(before)s -> %(after)s"),
    _("code %(before)s -> %(after)s"),
    _("input schema changed"),
    _("output schema changed"),
    _("input schema %(before)s -> %(after)s"),
    _("output schema %(before)s -> %(after)s"),
    _("data %(name)s changed"),
    _("data %(name)s %(before)s -> %(after)s"),
    _("data %(name)s added (%(value)s)"),
    _("data %(name)s removed (was %(value)s)"),
    _("%(name)s changed"),
    _("%(name)s added (%(value)s)"),
    _("%(name)s removed (was %(value)s)"),
    _("%(subject)s not recorded for either version"),
    _("%(subject)s not recorded for the new version"),
    _("%(subject)s not recorded for the previous version"),
    _("architecture"),
    _("input schema"),
    _("output schema"),
    _("data"),
    _("parameters"),
    _("code"),
)

# What is wrong with a version: `semver`.
VERSIONS = (
    _("%(text)s is not a model version: %(problem)s."),
    _("it may have at most %(limit)s characters (it has %(count)s)"),
    _("its numbers may be at most %(limit)s (a 64-bit database column)"),
    _("leave out the 'v' in front"),
    _("numbers have no leading zeros"),
    _("expected MAJOR.MINOR.PATCH[-STAGE][+BUILD] as in Semantic Versioning 2.0.0, such as 1.3.0-rc1"),
)

# How this app's jobs go and end, beside what is translated where it is said.
JOBS = (
    _("The result of this pipeline job is not there any more."),
    _("There is no model %(model)s."),
    _("Somebody else keeps changing %(model)s in MLflow."),
    _("Deleted in MLflow: %(versions)s. MLflow cannot bring a version back."),
    _("Another job is writing %(model)s to MLflow; this one follows."),
    _("Waits for another job that writes %(model)s to MLflow"),
    _("The metadata of this run (%(file)s) are not valid: %(error)s."),
    _("The run %(run)s is not mirrored here."),
    _("MLflow has no run %(run)s any more."),
    _("The run %(run)s is deleted in MLflow. Restore it there, then retry this job."),
    _(
        "The run %(run)s has no model: neither a model that MLflow logged with it, nor artifacts in the "
        "folder %(folder)s."
    ),
    _(
        "%(version)s was registered meanwhile, from the run %(run)s. Register this run again to get the next "
        "version."
    ),
    _("MLflow's version %(number)d belongs to another version now."),
    _("Replaced by %(version)s."),
)

ALL = (*DIFFERENCES, *VERSIONS, *JOBS)
