"""How soon to look again at what changes without an event, by what is waited for."""

from datetime import timedelta
from types import MappingProxyType

from paddle_serving_operator.api.conditions import Reason

SOON = timedelta(milliseconds=150)  # endpoints change within tens of milliseconds
PATIENCE = MappingProxyType(
    {
        Reason.WAITING_FOR_ENDPOINTS: SOON,
        Reason.WAITING_FOR_DRIFT: timedelta(seconds=1),
        Reason.WAITING_FOR_REQUESTS: timedelta(seconds=5),
        Reason.WAITING_FOR_DRAIN: timedelta(seconds=1),  # a pod on a lost node is given up without an event
    }
)
