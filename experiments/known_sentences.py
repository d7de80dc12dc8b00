"""What the rules of this app, its workers and the adapters say to people, as `sentences` recognises it."""

from django.utils.translation import gettext_noop as _

# What is wrong with a filter of the table of runs: `filters`, `filter_queries`.
FILTERS = (
    _("A filter has at most %(count)s characters."),
    _("A filter has at most %(count)s conditions."),
    _("At most %(count)s parentheses may be open."),
    _("A list has at most %(count)s values."),
    _("There is no field %(name)s. Fields are metrics.…, params.…, tags.…, %(fields)s."),
    _("There is no field %(name)s: before the point stands metrics, params, tags or attributes."),
    _("A key cannot hold a zero character."),
    _("A run has no attribute %(name)s."),
    _("A text cannot hold a zero character."),
    _("This quotation mark has no partner."),
    _("%(token)s does not belong here. Expected here: %(words)s."),
    _("%(token)s does not belong here. This cannot be understood."),
    _("The filter ends too early. Expected here: %(words)s."),
    _("The filter ends too early. This cannot be understood."),
    _("A pattern has less than %(count)s characters."),
    _("A metric is a number, so it cannot be compared with a pattern."),
    _("A time is compared by =, !=, <, <=, > or >=."),
    _("A duration is compared by <, <=, > or >=."),
    _('A duration is a number of seconds, or a text such as "90s", "15m" or "2h".'),
    _('A time is written "-7d" (s, m, h, d, w), "2026-01-31", "2026-01-31 12:00" or in milliseconds.'),
    _("%(name)s is a text: it is compared by =, !=, like, ilike or in."),
    _("%(name)s is compared with a number here, and %(value)s is none."),
)

# What is wrong with the value of a parameter: `parameter_values`, `parameters`.
PARAMETERS = (
    _("is not a name: letters, digits, _ and -, joined by dots, are allowed"),
    _("is not a parameter of this repository"),
    _("cannot be changed here: %(problem)s"),
    _("must be a whole number, such as 32"),
    _("is too large: at most %(limit)s"),
    _("must be a number, such as 0.5 or 3e-4"),
    _("must be a finite number"),
    _("must be true or false"),
    _("must be text"),
    _("must not be empty"),
    _("is too long: at most %(limit)s characters"),
    _(
        "may contain only letters, digits and _ . , : @ + / - (it may become part of a command), "
        "and must begin with a letter, a digit, _ or ."
    ),
    _("must not leave the folder with .."),
    _("must be a number, true, false, text or null"),
    _("must be a list, such as [16, 80]"),
    _("has too many items: at most %(limit)s"),
    _("is text, but the others are not; write it without quotes"),
    _("item %(number)s %(problem)s"),
    _("its name has characters that are not allowed here, or is the name of two values"),
    _("the file shares it through an anchor, an alias or a merged key, or its name is not text"),
    _("values of its type cannot be changed here"),
)

# What is wrong with a parameters file: `params_yaml`, `parameters`, `commit_index`.
FILES = (
    _("params.yaml: %(problem)s"),
    _("The file has more than %(limit)s characters."),
    _("The file has more than %(limit)s parameters or %(values)s values."),
    _("The file does not hold a mapping of names to values."),
    _("The file does not have all of these values."),
    _("The values cannot be replaced without touching others."),
    _("The file is not valid YAML: %(reason)s"),
    _("The file has a value that cannot be read: %(reason)s"),
    _("%(key)s does not stand alone in the file."),
    _("The file has aliases that multiply, or too many of them."),
    _("The file has a tag (%(tag)s); only plain values are read."),
    _("The file is nested deeper than %(limit)s levels."),
    _("%(file)s: only YAML parameters files (.yaml, .yml) are supported."),
    _("%(name)s is not UTF-8 text."),
    _("%(name)s is not a text file."),
    _("%(name)s is larger than %(limit)s bytes."),
    _("%(name)s is not valid YAML: %(reason)s"),
    _("%(name)s is nested too deeply."),
    _("%(name)s does not hold a mapping."),
    _("%(place)s is not a mapping."),
    _("%(name)s has no stages."),
    _("%(name)s does not have schema 2.0."),
    _("%(name)s: stage %(stage)s has no command."),
    _("%(stage)s stands for more than %(limit)s stages."),
    _("%(name)s: artifact %(artifact)s has no path."),
    _("This commit cannot be read (%(kind)s)."),
)

# What is wrong with tags of runs: `run_tags`.
TAGS = (
    _("%(key)s cannot be set and taken away at once."),
    _("At most %(limit)s tags can be changed at once."),
    _("There is nothing to change."),
    _("The tag %(key)s belongs to the system."),
    _("The value of %(key)s has more than %(limit)s characters."),
    _("The value of %(key)s holds what cannot be stored."),
)

# What is wrong with the space of a sweep, and with a sweep: `sweep_space`, `sweep_points`, `sweep_progress`.
SWEEPS = (
    _("must be one value, several, or a range"),
    _("takes from 1 to %(limit)s values"),
    _("is no number, so it cannot be a range; list its values"),
    _("has a scale that is neither linear nor logarithmic"),
    _("has a range that does not begin below its end"),
    _("has a logarithmic range, which begins above 0"),
    _("has a step that leads nowhere"),
    _("needs a step: a grid tries every value"),
    _("is too large: there are only %(count)s different runs"),
    _("%(person)s may not start jobs any more."),
    _("No run has the metric %(metric)s as a number. Metrics there are: %(names)s."),
)

# What became of a result for a branch, and of DVC's own experiments: `apply_job`, `dvc_experiment_list`.
RESULTS = (
    _("%(branch)s has the result"),
    _("The commit is on %(branch)s"),
    _("The result of this pipeline job is not there any more."),
    _("The branch %(branch)s has moved meanwhile."),
    _("The origin refuses the push: %(problem)s"),
    _(
        "Nothing was applied: %(branch)s has changed since the result was made: %(files)s. "
        "Run the pipeline again on the branch as it is now, with the same parameters."
    ),
    _("DVC does not list it."),
    _("DVC cannot read it."),
    _("Its commit is not here."),
)

# How jobs go and end: runners, `execution`, `job_leases`, `job_reaper`, `job_keeper`.
JOBS = (
    _("Running %(stage)s"),
    _("The result is commit %(sha)s"),
    _("%(refs)s branches and tags, %(commits)s new commits"),
    _("%(written)s runs written, histories of %(series)s read"),
    _("%(count)s of %(total)s runs edited"),
    _("Run %(run)s is not there any more."),
    _("There is no job kind %(kind)s."),
    _("Its worker fell silent (once)."),
    _("Its worker fell silent (%(count)s times)."),
    _("The worker was shut down."),
    _("%(problem)s (Given up after %(count)s attempts.)"),
    _("The result could not be stored: %(reason)s"),
    _("The job took longer than its limit of %(limit)s seconds."),
    _("The mirror failed (%(reason)s)."),
    _("This repository is not connected any more."),
    _("Stage %(stage)s failed. Its last lines:"),
    _("Not all data could be pushed: some are not in the cache."),
    _("The environment of the stages cannot be measured: %(reason)s"),
    _("The data of %(files)s are neither in the cache nor in the DVC remote."),
    _("The data of %(files)s cannot be fetched now."),
    _(
        "What is in the working directory is not what dvc.lock says: %(files)s. "
        "A stage changed another's output, or the cache was tampered with."
    ),
    _("There is no file %(name)s."),
    _("%(name)s is too large."),
)

# What Git and DVC did not do.
IMPORTANCE = (
    _("These runs can tell nothing about this metric."),
    _("The importance of parameters could not be computed."),
)

REPOSITORIES = (
    _("git %(command)s failed: %(reason)s"),
    _("git %(command)s was cancelled."),
    _("git %(command)s took longer than %(limit)s s."),
    _("Git cannot be started: %(reason)s"),
    _("The repository has no branch yet."),
    _("There is no branch, tag or commit %(ref)s."),
    _("There is no commit %(sha)s."),
    _("%(ref)s is the beginning of several hashes."),
    _("There is no Git mirror at %(path)s."),
    _("%(path)s is already the mirror of another repository."),
    _("%(path)s exists already."),
    _("%(branch)s is not a branch for results."),
    _("%(path)s is not a path inside the repository."),
    _("The clone is no longer at one exact commit."),
    _("The branch %(branch)s already holds another result."),
    _("%(path)s is a link and cannot be committed."),
    _("The result %(path)s does not exist."),
    _("%(person)s cannot be used as a Git identity."),
    _("A result may hold at most %(limit)s files."),
    _("%(path)s is not a regular file of at most %(limit)s MB."),
    _("The repository's mirror is being written by somebody else."),
    _("%(address)s is not an address of a repository."),
    _("Repositories over %(protocol)s are not allowed here."),
    _("dvc %(command)s failed: %(reason)s"),
    _("dvc %(command)s was cancelled."),
    _("dvc %(command)s took longer than %(limit)s s."),
    _("dvc %(command)s answered too much."),
    _("dvc %(command)s did not answer in JSON."),
    _("The program dvc is not installed."),
    _("%(name)s is not a DVC repository."),
    _("The repository brings its own .dvc/config.local."),
    _("Unknown kinds of cache links: %(kinds)s."),
    _("A DVC remote is an absolute path or a URL."),
    _("DVC's configuration cannot hold this value of %(key)s."),
    _("The verification was cancelled."),
    _("The launcher of the command could not be started."),
)

# What MLflow and the storage of artifacts did not do.
MLFLOW = (
    _("MLflow at %(address)s cannot be reached."),
    _("MLflow at %(address)s did not answer in time."),
    _("MLflow at %(address)s cannot be reached safely: %(reason)s."),
    _("MLflow at %(address)s refused the request (%(status)s): %(problem)s"),
    _("it redirects elsewhere; set the tracking URI to the final address"),
    _("the credentials are missing or not sufficient (MLFLOW_TRACKING_USERNAME/PASSWORD/TOKEN)"),
    _("no reason given"),
    _(
        "The MLflow tracking URI must be the http(s) address of a server; file stores and direct database "
        "addresses are not supported."
    ),
    _("%(address)s does not answer like an MLflow server."),
    _("%(address)s sent an answer that is too large."),
    _("%(address)s answered too slowly."),
    _("The request cannot be written as JSON: %(reason)s."),
    _("The MLflow server answered in an unexpected form (%(reason)s)."),
    _("MLflow's answer to %(path)s does not end."),
    _("MLflow did not keep the registered model %(model)s."),
    _("%(model)s version %(version)s is in %(stage)s, not %(wanted)s: somebody else moved it."),
    _("%(stage)s is not a stage of MLflow: %(stages)s."),
    _("Several writers create the MLflow run of %(key)s at once."),
    _("Run %(run)s: metric %(metric)s has two values at step %(step)s."),
    _("Run %(run)s has more than %(limit)s points of %(metric)s; more cannot be added safely."),
    _("Run %(run)s already has the parameter %(key)s with another value."),
    _("%(status)s is not a status of an MLflow run."),
    _("The MLflow experiment %(experiment)s is deleted; restore it or choose another name."),
    _(
        "MLflow does not accept the %(kind)s name %(text)s: use at most %(limit)s letters, digits, '_', '-', "
        "'.', ' ', ':' and single '/'."
    ),
    _("MLflow cannot search for %(text)s: it holds both kinds of quote."),
    _("%(key)s cannot be used as an idempotency key."),
    _("%(text)s is not an MLflow version number."),
    _("%(model)s has no alias %(alias)s."),
    _("The artifact URI refers to itself."),
    _("%(path)s is not a usable artifact name."),
    _("%(path)s is not a usable artifact path."),
    _("%(path)s leads out of the artifact folder."),
    _("The artifact folder %(path)s is outside the folders that may be read."),
    _("Artifacts of the kind %(kind)s cannot be read."),
    _("Artifacts at %(address)s are not on our MLflow server."),
    _("There is no artifact %(path)s."),
    _("There are no artifacts at %(path)s."),
    _("More than %(limit)s artifacts at %(path)s."),
    _("More than %(limit)s folders of artifacts."),
    _("The artifacts up to %(path)s are too large."),
    _("%(path)s has %(size)s bytes, but %(listed)s are listed."),
    _("S3 does not allow access to %(path)s."),
    _("S3 cannot be used for %(path)s (%(reason)s)."),
    _("It could not be read (%(kind)s)."),
    _("There is no model file %(path)s."),
    _("%(path)s is broken: %(reason)s."),
    _("The model cannot be packaged (exit status %(status)s): %(reason)s"),
    _("Packaging took longer than %(limit)s s."),
    _("%(path)s is not a pt2 archive but %(kind)s; write it with torch.export.save."),
    _("%(path)s could run code when it is loaded: %(reasons)s."),
    _("The model takes %(count)s inputs; an input example needs exactly one."),
)

# Why a file is not shown as its name promises: `file_preview` and what it uses.
PREVIEWS = (
    _("It begins like an image and is broken."),
    _("An image of %(width)s x %(height)s pixels is too large to be shown."),
    _("There are no rows."),
    _("It is not a square of numbers."),
    _("It has more than %(count)s classes."),
    _("It is nested too deeply."),
    _("It has too many values."),
)

ALL = (
    *(*PREVIEWS, *FILTERS, *PARAMETERS, *TAGS, *FILES, *SWEEPS, *RESULTS, *JOBS),
    *(*IMPORTANCE, *REPOSITORIES, *MLFLOW),
)
