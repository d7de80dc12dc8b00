"""Rules: what a person may do to one model, from their roles and their parts in it. No database, no Django.

+------------------------+-------------------+------------------------------------------+
|                        | open model        | restricted model                         |
+------------------------+-------------------+------------------------------------------+
| no role                | nothing           | nothing                                  |
| role, no part          | what the role may | nothing; auditors see it, administrators |
|                        |                   | do what their role may                   |
| role and part          | what the role may | what the role may and what the part adds |
|                        | and the part adds |                                          |
+------------------------+-------------------+------------------------------------------+
"""

from collections.abc import Collection
from enum import StrEnum

from accounts.roles import Permission


class Part(StrEnum):
    """What a member is to a model; the values are those of `registry.models.Member.Part`."""

    OWNER = "owner"
    REVIEWER = "reviewer"


#: What a part adds to what roles allow, on that one model.
ADDED: dict[Part, frozenset[Permission]] = {
    Part.OWNER: frozenset(
        {
            Permission.MODEL_EDIT,
            Permission.VERSION_REGISTER,
            Permission.VERSION_REPRODUCE,
            Permission.PROMOTION_OPEN,
            Permission.DEPLOYMENT_RECORD,
            Permission.PROMOTION_ROLLBACK,
            Permission.DRIFT_RESOLVE,
            Permission.MEMBER_MANAGE,
        }
    ),
    Part.REVIEWER: frozenset(
        {
            Permission.VERSION_REPRODUCE,
            Permission.PROMOTION_REVIEW,
            Permission.PROMOTION_ROLLBACK,
            Permission.DRIFT_RESOLVE,
        }
    ),
}

_SEEING = frozenset({Permission.VIEW, Permission.AUDIT_READ})


def granted(
    by_roles: Collection[Permission], parts: Collection[str], *, restricted: bool
) -> frozenset[Permission]:
    """Return what a person may do to a model.

    :param by_roles: what their roles let them do anywhere; without VIEW nothing is added by a part, so that
        taking somebody's roles away takes everything away
    :param parts: their parts in this model, values of `Part`
    :param restricted: whether the model is kept from those who have no part in it
    """
    held = frozenset(by_roles)
    if Permission.VIEW not in held:
        return frozenset()
    if parts or not restricted:
        return held.union(*(ADDED[Part(part)] for part in parts))
    # Who may make themselves a member is not kept out by not being one.
    if Permission.MEMBER_MANAGE in held:
        return held
    return held & _SEEING if Permission.AUDIT_READ in held else frozenset()


def sees_all(by_roles: Collection[Permission]) -> bool:
    """Say whether somebody with these permissions sees every model, the restricted ones too."""
    # Not a list of permissions of its own: the lists of objects and `granted` must not differ.
    return Permission.VIEW in granted(by_roles, (), restricted=True)


def parts_adding(permission: Permission) -> tuple[Part, ...]:
    """Return the parts that let a member do `permission` whatever their role, in their order."""
    return tuple(part for part in Part if permission in ADDED[part])
