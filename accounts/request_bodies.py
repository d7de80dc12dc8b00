"""Bodies of REST requests: a field that nobody asked for is refused, so a misspelt one is not lost."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers


class RequestBody(serializers.Serializer[Any]):
    """A serializer for input that refuses fields it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked values.

        :raises rest_framework.serializers.ValidationError: by field, the unknown ones included
        """
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                raise serializers.ValidationError({name: [_("There is no such field.")] for name in unknown})
        return super().to_internal_value(data)
