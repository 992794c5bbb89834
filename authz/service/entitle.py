"""What a key and its account's tier cover."""

from authz.domain.directory import Endpoint, Holder
from authz.domain.verdict import Denied, Reason
from contract import errors
from contract.embeddings import EmbeddingsRequest
from contract.models import ModelCard


def check_endpoint(holder: Holder, endpoint: Endpoint) -> Denied | None:
    """Return why this holder may not call an endpoint."""
    what = f"the endpoint '{endpoint}'"
    if endpoint not in holder.tier.endpoints:
        error = errors.tier_not_entitled(what, holder.tier.name)
        return Denied(Reason.ENDPOINT_NOT_ENTITLED, error)
    if endpoint not in holder.key.scopes:
        return Denied(Reason.ENDPOINT_NOT_IN_SCOPE, errors.key_not_scoped(what))
    return None


def check_request(holder: Holder, request: EmbeddingsRequest, card: ModelCard) -> Denied | None:
    """Return why this holder's tier does not cover a request for the served model.

    A model that is not served is left to be refused as unknown.
    """
    tier = holder.tier
    if card.answers_to(request.model) and not tier.covers_model(card.id, request.model):
        error = errors.tier_not_entitled(f"the model '{request.model}'", tier.name)
        return Denied(Reason.MODEL_NOT_ENTITLED, error)
    items = len(request.inputs.items)
    if items > tier.items_max:
        message = f"Array too long: {items} items, your tier's maximum is {tier.items_max}"
        return Denied(Reason.TOO_MANY_ITEMS, errors.invalid_parameter("input", message))
    return None
