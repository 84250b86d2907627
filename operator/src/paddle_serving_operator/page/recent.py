"""What was answered a moment ago, so that many who look at one thing cost as much as one."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from paddle_serving_operator.page.answers import Answer

FRESH = timedelta(seconds=1)
MOST = 32


class Recent:
    """Answers by name, for a second. They are made one at a time: the operator has other work than this page."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[datetime, Answer]] = OrderedDict()

    def get(self, name: str, make: Callable[[datetime], Answer]) -> Answer:
        """The answer, made for the moment that it is given."""
        with self._lock:
            now = self._now()
            made, answer = self._answers.get(name, (None, None))
            if made is not None and answer is not None and timedelta() <= now - made < FRESH:
                return answer
            answer = make(now)
            self._answers[name] = now, answer
            self._answers.move_to_end(name)
            while len(self._answers) > MOST:
                self._answers.popitem(last=False)
            return answer
