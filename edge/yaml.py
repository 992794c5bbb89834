"""A message as YAML that people read: block style, field names as in Envoy's documentation."""

import betterproto2
import yaml


def to_yaml(message: betterproto2.Message) -> str:
    """Return the message's canonical JSON form, as YAML, always the same for the same message."""
    fields = message.to_dict(casing=betterproto2.Casing.SNAKE)
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)
