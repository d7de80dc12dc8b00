"""Page addresses of `registry`."""

from django.urls import path

from registry.access import for_viewers
from registry.views import (
    as_of,
    cards,
    drift,
    members,
    models,
    notices,
    policies,
    promotions,
    register,
    reviews,
    rollback,
    version,
)

app_name = "registry"

_VERSION = "models/<str:name>/versions/<str:version>/"

urlpatterns = [
    path("models/", for_viewers(models.models), name="models"),
    path("models/<str:name>/", for_viewers(models.model), name="model"),
    path("models/<str:name>/production/", for_viewers(as_of.model_production), name="model-production"),
    path("models/<str:name>/members/", for_viewers(members.members_page), name="members"),
    path("policies/", for_viewers(policies.policies_page), name="policies"),
    path("policies/<str:stage>/", for_viewers(policies.policy), name="policy"),
    path("policies/<str:stage>/edit/", for_viewers(policies.edit_policy), name="edit-policy"),
    path("models/<str:name>/policies/<str:stage>/", for_viewers(policies.policy), name="model-policy"),
    path(
        "models/<str:name>/policies/<str:stage>/edit/",
        for_viewers(policies.edit_policy),
        name="edit-model-policy",
    ),
    path("models/<str:name>/members/<int:pk>/remove/", for_viewers(members.remove), name="remove-member"),
    path("models/<str:name>/restrict/", for_viewers(members.restrict), name="restrict"),
    path("production/", for_viewers(as_of.production), name="production"),
    path(_VERSION, for_viewers(version.overview), name="version"),
    path(f"{_VERSION}metadata/", for_viewers(version.metadata), name="version-metadata"),
    path(f"{_VERSION}metrics/", for_viewers(version.metrics), name="version-metrics"),
    path(f"{_VERSION}card/", for_viewers(cards.card_tab), name="version-card"),
    path(f"{_VERSION}card/start/", for_viewers(cards.start), name="version-card-start"),
    path(f"{_VERSION}card/edit/", for_viewers(cards.edit), name="version-card-edit"),
    path(f"{_VERSION}card/preview/", for_viewers(cards.preview), name="version-card-preview"),
    path(f"{_VERSION}card/import/", for_viewers(cards.import_readme), name="version-card-import"),
    path(f"{_VERSION}card/README.md", for_viewers(cards.readme), name="version-card-readme"),
    path(f"{_VERSION}card/diff/", for_viewers(cards.diff), name="card_diff"),
    path(f"{_VERSION}card/submit/", for_viewers(cards.submit), name="version-card-submit"),
    path(f"{_VERSION}card/approve/", for_viewers(cards.approve), name="version-card-approve"),
    path(f"{_VERSION}card/return/", for_viewers(cards.return_to_draft), name="version-card-return"),
    path(f"{_VERSION}files/", for_viewers(version.files), name="version-files"),
    path(f"{_VERSION}history/", for_viewers(version.events), name="version-history"),
    path(f"{_VERSION}promote/", for_viewers(promotions.open_promotion), name="open-promotion"),
    path("register/", for_viewers(register.register), name="register"),
    path("runs/<str:run_id>/versions/", for_viewers(register.run_versions), name="run-versions"),
    path("promotions/", for_viewers(promotions.promotions), name="promotions"),
    path("promotions/<int:number>/", for_viewers(promotions.promotion_page), name="promotion"),
    path("promotions/<int:number>/review/", for_viewers(reviews.review), name="review"),
    path("promotions/<int:number>/withdraw/", for_viewers(reviews.withdraw), name="withdraw"),
    path("promotions/<int:number>/comments/", for_viewers(reviews.comment), name="comment"),
    path("promotions/<int:number>/waive/", for_viewers(reviews.waive), name="waive"),
    path("promotions/<int:number>/renew/", for_viewers(reviews.renew), name="renew"),
    path("promotions/<int:number>/follow-up/", for_viewers(reviews.follow_up), name="follow-up"),
    path("promotions/<int:number>/card/", for_viewers(reviews.card_changes), name="promotion-card"),
    path("models/<str:name>/rollback/", for_viewers(rollback.roll_back), name="rollback"),
    path(f"{_VERSION}bypass/", for_viewers(rollback.emergency), name="bypass"),
    path("notices/", for_viewers(notices.notices_page), name="notices"),
    path("notices/read/", for_viewers(notices.mark_read), name="read-notices"),
    path("models/<str:name>/drift/", for_viewers(drift.drift_page), name="drift"),
    path("models/<str:name>/drift/<int:pk>/repair/", for_viewers(drift.repair), name="drift-repair"),
    path("models/<str:name>/drift/<int:pk>/accept/", for_viewers(drift.accept), name="drift-accept"),
    path("promotions/<int:number>/apply/", for_viewers(drift.apply_again), name="apply-again"),
]
