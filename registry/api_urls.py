"""REST addresses of `registry`."""

from django.urls import path

from registry import (
    api,
    as_of_api,
    card_api,
    checks_api,
    deployment_api,
    drift_api,
    members_api,
    policy_api,
    promotion_api,
    registration_api,
)

_VERSION = "models/<str:name>/versions/<str:version>/"
_PROMOTION = "promotions/<int:number>/"

urlpatterns = [
    path("models/", api.Models.as_view(), name="api-models"),
    path("models/<str:name>/", api.Model.as_view(), name="api-model"),
    path("models/<str:name>/production/", as_of_api.Production.as_view(), name="api-production"),
    path("models/<str:name>/deployments/", deployment_api.Deployments.as_view(), name="api-deployments"),
    path(
        "models/<str:name>/deployments/<int:number>/retire/",
        deployment_api.Retirement.as_view(),
        name="api-retire-deployment",
    ),
    path("models/<str:name>/members/", members_api.Members.as_view(), name="api-members"),
    path("policies/<str:stage>/", policy_api.InstallationPolicy.as_view(), name="api-policy"),
    path(
        "models/<str:name>/policies/<str:stage>/",
        policy_api.ModelPolicy.as_view(),
        name="api-model-policy",
    ),
    path("models/<str:name>/members/<int:pk>/", members_api.MemberView.as_view(), name="api-member"),
    path("production/", as_of_api.Productions.as_view(), name="api-productions"),
    path("models/<str:name>/versions/", api.Versions.as_view(), name="api-versions"),
    path(_VERSION, api.Version.as_view(), name="api-version"),
    path(f"{_VERSION}metadata/", api.VersionMetadata.as_view(), name="api-version-metadata"),
    path(f"{_VERSION}card/", card_api.Card.as_view(), name="api-version-card"),
    path(f"{_VERSION}card/README.md", card_api.Readme.as_view(), name="api-version-card-readme"),
    path(f"{_VERSION}card/submit/", card_api.Submission.as_view(), name="api-version-card-submit"),
    path(f"{_VERSION}card/approve/", card_api.Approval.as_view(), name="api-version-card-approve"),
    path(f"{_VERSION}card/return/", card_api.Return.as_view(), name="api-version-card-return"),
    path(f"{_VERSION}files/", api.VersionFiles.as_view(), name="api-version-files"),
    path("models/<str:name>/proposal/", registration_api.Proposal.as_view(), name="api-proposal"),
    path(f"{_VERSION}finalise/", registration_api.Finalisation.as_view(), name="api-finalise"),
    path(f"{_VERSION}inspection/", registration_api.VersionInspection.as_view(), name="api-inspection"),
    path(f"{_VERSION}checks/", checks_api.VersionChecks.as_view(), name="api-version-checks"),
    path(f"{_VERSION}history/", api.VersionHistory.as_view(), name="api-version-history"),
    path("models/<str:name>/rollback/", promotion_api.Rollback.as_view(), name="api-rollback"),
    path("models/<str:name>/bypass/", promotion_api.Bypass.as_view(), name="api-bypass"),
    path("promotions/", promotion_api.Promotions.as_view(), name="api-promotions"),
    path(_PROMOTION, promotion_api.PromotionDetail.as_view(), name="api-promotion"),
    path(f"{_PROMOTION}evidence/", promotion_api.Snapshots.as_view(), name="api-evidence"),
    path(f"{_PROMOTION}reviews/", promotion_api.Reviews.as_view(), name="api-reviews"),
    path(f"{_PROMOTION}withdraw/", promotion_api.Withdrawal.as_view(), name="api-withdraw"),
    path(f"{_PROMOTION}renew/", promotion_api.Renewal.as_view(), name="api-renew"),
    path(f"{_PROMOTION}comments/", promotion_api.Comments.as_view(), name="api-comments"),
    path(f"{_PROMOTION}waivers/", promotion_api.Waivers.as_view(), name="api-waivers"),
    path(f"{_PROMOTION}follow-up/", promotion_api.FollowUp.as_view(), name="api-follow-up"),
    path("notices/", promotion_api.Notices.as_view(), name="api-notices"),
    path("notices/read/", promotion_api.ReadNotices.as_view(), name="api-read-notices"),
    path("drifts/", drift_api.Drifts.as_view(), name="api-drifts"),
    path("drifts/<int:pk>/repair/", drift_api.Repair.as_view(), name="api-drift-repair"),
    path("drifts/<int:pk>/accept/", drift_api.Acceptance.as_view(), name="api-drift-accept"),
    path("promotions/<int:number>/apply/", drift_api.Application.as_view(), name="api-apply"),
    path(f"{_VERSION}hash/", drift_api.Hashing.as_view(), name="api-hash"),
]
