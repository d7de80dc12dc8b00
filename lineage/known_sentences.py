"""What the workers and rules of this app, and the adapters it reads with, say to people."""

from django.utils.translation import gettext_noop as _

# What is wrong with the files of a commit: `tree_reading` and the adapters that it reads with.
PROBLEMS = (
    _("The tree has more folders than are looked through."),
    _("The tree has more than %(count)s files of DVC."),
    _("A folder has more entries than are looked through."),
    _("More than %(count)s files of DVC; the others are left out."),
    _("This commit cannot be read (%(kind)s)."),
    _("It cannot be read (%(kind)s)."),
    _("%(name)s tracks nothing."),
    _("%(name)s is no file."),
    _("%(name)s cannot be read."),
)

# Why an object that DVC keeps was not read: `integrations.dvc_listings` and `integrations.dvc_objects`.
LISTINGS = (
    _("It is not a folder that DVC lists."),
    _("The list of files is in none of these places: %(places)s."),
    _("The list of files in the %(place)s was altered: it has not the hash %(hash)s."),
    _("The folder has more than %(count)s files."),
    _("The list of files cannot be read."),
    _("It has more than %(count)s bytes."),
    _("It is not a file that DVC keeps by its hash."),
    _("It is in none of these places: %(places)s."),
    _("What the %(place)s has was altered: it has not the hash %(hash)s."),
    _("The folder cannot be read (%(kind)s)."),
    _("The remote is a host of this network, which is asked only where the operator allows it."),
    _("The remote took longer than %(seconds)s s."),
    _("The DVC remote is a folder of this installation."),
    _("The remote answered %(status)s."),
    _("The remote cannot be reached (%(kind)s)."),
    _("Remotes of the kind %(kind)s are not read."),
)

# Lines of a job's log and its message: `index_job`.
LOG = (
    _("%(count)s new commits"),
    _("%(done)s of %(total)s commits"),
    _("%(count)s of them have files that cannot be read; they are skipped"),
    _("%(count)s tags look like GTO's and are not well-formed"),
)


# What is wrong with the id of a node: `node_ids`.
NODE_IDS = (
    _("This id is too long."),
    _("An id begins with the kind of the node, such as version:<model>@<version>."),
    _("This id has no @."),
    _("This id names no repository."),
    _("This id names nothing before the @."),
    _("This id holds a character that no name has."),
    _("A percent sign in an id is followed by two hexadecimal digits."),
    _("This id is not UTF-8."),
    _("This is no hash of data."),
    _("This is no commit."),
    _("This is no id of a run."),
    _("This is no semantic version."),
    _("This is no number of a promotion."),
    _("This is no number of a deployment."),
)

# Why a version was not rebuilt: `reproduction_job` and `reproduction_clone`.
REPRODUCTIONS = (
    _("The version names no commit: it was made from an MLflow run without a pipeline."),
    _("The commit %(name)s is in no connected repository."),
    _("The commit %(name)s of %(repository)s cannot be reached: %(problem)s"),
    _("The dvc.lock of the commit has the digest %(name)s, and %(recorded)s was recorded."),
    _("dvc.lock records nothing of the stage %(name)s."),
    _("The stage %(name)s is frozen, so DVC would not run it."),
    _("The command of the stage %(name)s is not the one that dvc.lock recorded."),
    _("The parameter %(name)s of the stage %(stage)s is not the one that dvc.lock recorded."),
    _("The parameters of %(name)s cannot be checked: %(problem)s"),
    _("Not what dvc.lock recorded: %(names)s."),
    _("The DVC remote %(name)s is a folder of this installation."),
    _("The DVC remote %(name)s sets %(option)s, which a reproduction does not accept."),
    _("The DVC remote %(name)s is reached over %(scheme)s, which a reproduction does not accept."),
    _("%(file)s sets %(option)s in %(part)s, which a reproduction does not accept."),
    _("%(name)s is an import from a path of this host, which a reproduction does not read."),
    _("The stage %(name)s failed: %(output)s"),
    _("dvc.lock names no output."),
)

# Why an evidence bundle was not made: `bundle_job`.
BUNDLES = (
    _("The version keeps changing while it is read."),
    _("Whoever asked for the bundle does not see this version any more."),
    _("The audit trail cannot be signed: %(problem)s"),
    _("The bundle is too large."),
    _("The bundle does not verify: %(problem)s"),
)

# What is said of a plot that is not, or not wholly, drawn: `plot_drawing`, `plot_tables` and
# `plot_contents`.
PLOTS = (
    _("It is too large to be drawn."),
    _("DVC keeps it, not Git, and it has not been read yet."),
    _("It could not be read."),
    _("DVC keeps it, and dvc.lock does not say by which hash."),
    _("It is a folder, and only a plot of nothing else draws what is in one."),
    _("%(rest)s of its %(count)s files are not drawn: other formats, or more than %(most)s."),
    _("It is not in this commit."),
    _("It is no text."),
    _("It is an image that is broken or has too many pixels."),
    _("It is an image of a kind that is not shown."),
    _("Only CSV, TSV, JSON, PNG, JPEG, GIF and WebP are drawn."),
    _("This commit plots more files than are read."),
    _("Its content is not kept any more: this repository plots much."),
    _("Only the first %(count)s rows are drawn."),
    _("Only the first %(count)s columns are drawn."),
    _("Plots of the template %(template)s are not drawn here."),
    _("It has no columns of what is true and what was predicted."),
    _("It has no column of numbers."),
    _("It is no JSON."),
    _("It holds no list of objects."),
    _("There is no column %(column)s."),
    _("The column %(column)s is not one of numbers."),
    _("%(problem)s Rows are counted instead."),
)

ALL = (*PROBLEMS, *LISTINGS, *LOG, *NODE_IDS, *REPRODUCTIONS, *BUNDLES, *PLOTS)
